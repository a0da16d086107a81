"""How often one person or card may stand behind accounts, and what happens beyond.

Nobody is refused here: the result is held for a person to look at, and the account's owner
reads the words of an ordinary review, so that nobody can probe which card is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from attestation.contract import Fingerprint, FingerprintKind, State
from attestation.evidence.models import Attestation, EvidenceHash
from foundation.sealing.hashes import keyed_hash, keyed_hashes

PURPOSE: Final = "attestation-evidence"
RECENT: Final = timedelta(days=90)

PERSON_REUSED: Final = "identity.reused"
CARD_SHARED: Final = "payment.shared"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many *accounts* may share: the next one is held."""

    person_recent: int
    """Newly verified by one person within 90 days."""
    person_alive: int = 3
    card_alive: int = 3


LIMITS: Final = {
    "live": Limits(person_recent=1),
    # The test people of the sandbox are few and everybody's.
    "sandbox": Limits(person_recent=3),
}


def message(environment: str, fingerprint: Fingerprint) -> bytes:
    return f"{environment}\0{fingerprint.kind}\0{fingerprint.value}".encode()


def one_at_a_time(environment: str, prints: Iterable[Fingerprint]) -> None:
    """Hold the values until the transaction ends: else two accounts could count each other out.

    SQLite needs no lock of its own, for its transactions already run one after the other.
    """
    if connection.vendor != "postgresql":
        return
    digests = (keyed_hash(PURPOSE, message(environment, fingerprint)).digest for fingerprint in prints)
    with connection.cursor() as cursor:
        for number in sorted(int.from_bytes(digest[:8], signed=True) for digest in digests):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def remember(row: Attestation, prints: Iterable[Fingerprint], *, declined: bool, now: datetime) -> None:
    """Keep the hashes of what ``row`` rests on, in the caller's transaction."""
    for fingerprint in prints:
        hashed = keyed_hash(PURPOSE, message(row.environment, fingerprint))
        kept, _ = EvidenceHash.objects.get_or_create(
            attestation=row,
            kind=fingerprint.kind.value,
            value_hash=hashed.digest,
            defaults={
                "account_id": row.account_id,
                "environment": row.environment,
                "key_id": hashed.key_id,
                "seen_at": now,
            },
        )
        if declined:
            EvidenceHash.objects.filter(pk=kept.pk).update(declines=kept.declines + 1, seen_at=now)


def find_hold(row: Attestation, prints: Sequence[Fingerprint], now: datetime) -> str:
    """The reason to keep ``row`` in review; empty when nothing speaks against it."""
    limits = LIMITS[row.environment]
    for fingerprint in prints:
        others = _other_accounts(row, fingerprint)
        if fingerprint.kind is FingerprintKind.CARD:
            if _count(others) >= limits.card_alive:
                return CARD_SHARED
        elif _count(others) >= limits.person_alive or (
            _count(others.filter(attestation__verified_at__gt=now - RECENT)) >= limits.person_recent
        ):
            return PERSON_REUSED
    return ""


def declines_of_card(row: Attestation, prints: Iterable[Fingerprint], since: datetime) -> int:
    """How often the cards of ``prints`` were declined, by whomever, since then."""
    total = 0
    for fingerprint in prints:
        if fingerprint.kind is FingerprintKind.CARD:
            found = _equal(row.environment, fingerprint).filter(seen_at__gte=since)
            total += sum(found.values_list("declines", flat=True))
    return total


def _other_accounts(row: Attestation, fingerprint: Fingerprint) -> QuerySet[EvidenceHash]:
    return _equal(row.environment, fingerprint).filter(
        attestation__verified_at__isnull=False,
        attestation__state__in=[State.VERIFIED, State.REDACTED],
        account__state="open",
    ).exclude(account=row.account_id)  # fmt: skip


def _equal(environment: str, fingerprint: Fingerprint) -> QuerySet[EvidenceHash]:
    digests = [hashed.digest for hashed in keyed_hashes(PURPOSE, message(environment, fingerprint))]
    return EvidenceHash.objects.filter(
        environment=environment, kind=fingerprint.kind.value, value_hash__in=digests
    )


def _count(found: QuerySet[EvidenceHash]) -> int:
    return found.values("account").distinct().count()
