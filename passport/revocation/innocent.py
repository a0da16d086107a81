"""Members of a set who may be innocent: old, or well verified. They are named, never decided."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.owners.models import Account
from attestation.evidence.models import AccountLevel
from attestation.levels import at_least, current
from passport.restrictions.subjects import in_chunks

OLD = timedelta(days=90)
NOTHING_PROVEN = ("email", "none")


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An account, and what speaks for it."""

    account_id: str
    name: str
    created_at: datetime
    identity: str
    payment: str
    signs: tuple[str, ...]


def perhaps_innocent(account_ids: Collection[str], environment: str, now: datetime) -> list[Doubtful]:
    """Those with a sign of innocence, most signs first, then the oldest. Two queries a chunk."""
    levels = _levels(account_ids, environment, now)
    found = []
    for part in in_chunks(list(account_ids)):
        for account in Account.objects.filter(pk__in=part):
            identity, payment = levels.get(account.pk, NOTHING_PROVEN)
            if signs := signs_of(now - account.created_at, identity, payment):
                found.append(Doubtful(account.pk, account.name, account.created_at, identity, payment, signs))
    return sorted(found, key=lambda one: (-len(one.signs), one.created_at, one.account_id))


def signs_of(age: timedelta, identity: str, payment: str) -> tuple[str, ...]:
    signs = []
    if age >= OLD:
        signs.append(f"{age.days} days old")
    if at_least(identity, "document") and at_least(payment, "charged"):
        signs.append("verified by a document, and charged")
    return tuple(signs)


def _levels(account_ids: Collection[str], environment: str, now: datetime) -> dict[str, tuple[str, str]]:
    found = {}
    for part in in_chunks(list(account_ids)):
        for row in AccountLevel.objects.filter(account_id__in=part, environment=environment):
            found[row.account_id] = current(
                row.identity, row.identity_until, row.payment, row.payment_until, now
            )
    return found
