"""The account's levels follow from its attestations, in the transaction that changed one."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from attestation import levels
from attestation.evidence.life import COUNTING
from attestation.evidence.models import AccountLevel, Attestation


def recompute(account_id: str, environment: str, now: datetime) -> AccountLevel:
    """Write the strongest living attestation of each kind into the account's row.

    Of two equal ones the later to end counts. The row is locked first, so that two changes
    of one account, each blind to the other's, cannot leave a level that neither supports.
    """
    AccountLevel.objects.get_or_create(account_id=account_id, environment=environment)
    row = AccountLevel.objects.select_for_update().get(account_id=account_id, environment=environment)
    living = list(
        Attestation.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            account_id=account_id,
            environment=environment,
            state__in=COUNTING,
            verified_at__isnull=False,
        ).exclude(level="")
    )
    identity = strongest((a for a in living if a.kind == Attestation.Kind.IDENTITY), levels.IDENTITY)
    payment = strongest((a for a in living if a.kind == Attestation.Kind.PAYMENT), levels.PAYMENT)
    row.identity = identity.level if identity else levels.LAPSED_IDENTITY
    row.identity_method = identity.method if identity else ""
    row.identity_at = identity.verified_at if identity else None
    row.identity_until = identity.expires_at if identity else None
    row.payment = payment.level if payment else levels.LAPSED_PAYMENT
    row.payment_at = payment.verified_at if payment else None
    row.payment_until = payment.expires_at if payment else None
    row.save()
    return row


def strongest(living: Iterable[Attestation], ladder: tuple[str, ...]) -> Attestation | None:
    def order(a: Attestation) -> tuple[int, bool, float]:
        endless = a.expires_at is None
        return levels.rank(a.level, ladder), endless, a.expires_at.timestamp() if a.expires_at else 0.0

    return max(living, key=order, default=None)
