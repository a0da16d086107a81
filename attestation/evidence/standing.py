"""The levels an account holds now. Read by doors and pages; the hot path joins the table itself."""

from dataclasses import dataclass
from datetime import datetime

from attestation import levels
from attestation.evidence.models import AccountLevel


@dataclass(frozen=True, slots=True)
class Levels:
    """What counts now. ``identity_at`` and ``payment_at`` say when it was proven."""

    identity: str = "email"
    identity_method: str = ""
    identity_at: datetime | None = None
    payment: str = "none"
    payment_at: datetime | None = None


NOTHING_PROVEN = Levels()
"""An account without a row: its owner's e-mail address is confirmed, nothing else."""


def levels_of(account_id: str, environment: str, now: datetime) -> Levels:
    """One query. A lapsed level no longer counts, whether or not the timer has lowered it."""
    row = AccountLevel.objects.filter(account_id=account_id, environment=environment).first()
    if row is None:
        return NOTHING_PROVEN
    identity, payment = levels.current(row.identity, row.identity_until, row.payment, row.payment_until, now)
    identity_holds, payment_holds = identity == row.identity, payment == row.payment
    return Levels(
        identity=identity,
        identity_method=row.identity_method if identity_holds else "",
        identity_at=row.identity_at if identity_holds else None,
        payment=payment,
        payment_at=row.payment_at if payment_holds else None,
    )
