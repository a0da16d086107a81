"""Results that wait for a person of ours, and what there is to judge them by. Reads, and changes nothing.

Nothing here is personal: which accounts rest on the same person, document or card, never which
person, document or card that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from attestation.contract import State
from attestation.evidence.models import Attestation, EvidenceHash

TAG_CHARACTERS: Final = 8
MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Sharing:
    """Another account that a proof of rests on the same evidence."""

    account_id: str
    kind: str
    """``document``, ``person`` or ``card``."""
    tag: str
    """The first hex digits of the keyed hash: tells two documents of one account apart."""
    state: str
    verified_at: datetime | None


def held() -> "QuerySet[Attestation]":
    """What waits, to be ordered by the caller."""
    waiting = Attestation.objects.filter(state=State.REVIEW, released_at=None).exclude(hold="")
    return waiting.select_related("account")


def shared_by(row: Attestation) -> list[Sharing]:
    """Other accounts whose proofs rest on evidence of ``row``; newest first, 50 at most. Two queries.

    Compared by hash as stored: evidence hashed under an older key of the ring is not found here
    (when the result was held, every key was tried).
    """
    own = EvidenceHash.objects.filter(attestation=row).values_list("kind", "value_hash")
    kinds = {bytes(value): kind for kind, value in own}
    if not kinds:
        return []
    others = EvidenceHash.objects.filter(environment=row.environment, value_hash__in=list(kinds))
    others = others.exclude(account_id=row.account_id).select_related("attestation")
    return [
        Sharing(
            account_id=other.account_id,
            kind=other.kind,
            tag=bytes(other.value_hash).hex()[:TAG_CHARACTERS],
            state=other.attestation.state,
            verified_at=other.attestation.verified_at,
        )
        for other in others.order_by("-seen_at", "-pk")[:MOST_SHOWN]
        if kinds.get(bytes(other.value_hash)) == other.kind
    ]


def sharers_of(rows: Sequence[Attestation]) -> Mapping[str, int]:
    """By attestation: how many other accounts rest on the same evidence. Two queries."""
    own = EvidenceHash.objects.filter(attestation__in=rows)
    values = {
        (hashed.environment, hashed.kind, bytes(hashed.value_hash)): hashed.attestation_id for hashed in own
    }
    found: dict[str, set[str]] = {row.pk: set() for row in rows}
    accounts = {row.pk: row.account_id for row in rows}
    others = EvidenceHash.objects.filter(value_hash__in=[value for _, _, value in values])
    for other in others:
        mine = values.get((other.environment, other.kind, bytes(other.value_hash)))
        if mine and other.account_id != accounts[mine]:
            found[mine].add(other.account_id)
    return {pk: len(ids) for pk, ids in found.items()}
