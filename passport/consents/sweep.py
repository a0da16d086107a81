"""What is of no more use goes: requests, codes and tokens that nobody can redeem, consents without any."""

from datetime import timedelta

from foundation import clock
from foundation.jobs.periodic import every
from passport.consents.models import AuthorizationCode, Consent, PushedRequest, RefreshToken

UNUSED_KEPT = timedelta(days=1)
USED_KEPT = timedelta(days=30)
"""So long the second use of a code or a refresh token is still told from one that never was."""


@every(3600, "passport.consents.sweep")
def sweep() -> None:
    now = clock.now()
    PushedRequest.objects.filter(expires_at__lt=now - UNUSED_KEPT).delete()
    AuthorizationCode.objects.filter(expires__lt=now - USED_KEPT).delete()
    RefreshToken.objects.filter(expires_at__lt=now - USED_KEPT).delete()
    # Their codes go with them. The ledger keeps that they were given.
    Consent.objects.filter(begun_at=None, given_at__lt=now - UNUSED_KEPT).delete()
