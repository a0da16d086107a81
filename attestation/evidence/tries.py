"""How many tries an account has left before a person must look."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum

from attestation.evidence.models import Attestation


@dataclass(frozen=True, slots=True)
class TryLimit:
    most: int
    within: timedelta


LIMITS: Final = {
    Attestation.Kind.IDENTITY.value: TryLimit(most=5, within=timedelta(days=30)),
    Attestation.Kind.PAYMENT.value: TryLimit(most=10, within=timedelta(days=1)),
}
"""PROVIDERS section 7: the next one is for a person to allow."""


def failed_tries(account_id: str, environment: str, kind: str, since: datetime) -> int:
    """Failures the providers counted in sessions that changed since then."""
    rows = Attestation.objects.filter(
        account_id=account_id, environment=environment, kind=kind, updated_at__gte=since
    )
    return rows.aggregate(n=Sum("tries"))["n"] or 0


def tries_left(account_id: str, environment: str, kind: str, now: datetime) -> int:
    """0: no further session is started."""
    limit = LIMITS[kind]
    return max(0, limit.most - failed_tries(account_id, environment, kind, now - limit.within))
