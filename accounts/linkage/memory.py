"""Remembers what somebody who was revoked was seen with: the next wave is met by it.

A memory is the keyed hash of a value, why, and until when. It outlives the account and its
erasure. What may follow from a match is not decided here.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from accounts.linkage.attach import LEAST_BITS, LEAST_KINDS
from accounts.linkage.columns import Value
from accounts.linkage.evidence import CHUNK, holders_of, values_of
from accounts.linkage.models import BanMemory, Signal
from accounts.linkage.weigh import CEILINGS, WEIGHTS, is_evidence
from foundation.sealing.hashes import keyed_hash


def remember(
    account_ids: Collection[str],
    *,
    environment: str,
    reason: str,
    ends_at: datetime,
    batch_id: str,
    now: datetime,
) -> int:
    """Remember what these accounts were seen with, in the caller's transaction. Gives how many values.

    Values that too many hold are left out: strangers share them. Twice for one batch is once.
    """
    rows = []
    keys, revoked = _keys_of(account_ids, environment), frozenset(account_ids)
    for value, who in holders_of(environment, values_of(environment, account_ids)).items():
        if len(who) > 1 and not is_evidence(value.kind, len(who)):
            continue
        rows.append(
            BanMemory(
                environment=environment,
                kind=value.kind,
                key_id=keys[value.kind, value.digest],
                value_hash=value.digest,
                members=len(mine := sorted(revoked.intersection(who))),
                member_tag=keyed_hash("linkage/member", mine[0].encode()).digest.hex()[:16],
                reason=reason,
                batch_id=batch_id,
                created_at=now,
                ends_at=ends_at,
            )
        )
    BanMemory.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def forget(batch_id: str) -> int:
    """Undo what a batch remembered. What another batch remembers of the same value stays."""
    if not batch_id:
        raise ValueError("a memory without a batch is not forgotten by one")
    return BanMemory.objects.filter(batch_id=batch_id).delete()[0]


def remembered(account_id: str, environment: str, *, now: datetime) -> dict[str, list[str]]:
    """Kinds of the account's values that are remembered, by reason."""
    found: dict[str, list[str]] = defaultdict(list)
    values = values_of(environment, [account_id])
    rows = BanMemory.objects.filter(
        environment=environment, value_hash__in=[value.digest for value in values], ends_at__gt=now
    )
    held = {(value.kind, value.digest) for value in values}
    for memory in rows.order_by("pk"):
        if (memory.kind, bytes(memory.value_hash)) in held:
            found[memory.reason].append(memory.kind)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Return:
    """An account shares with those whom a batch revoked what would join it to their cluster (2.4)."""

    account_id: str
    environment: str
    batch_id: str
    reason: str
    kinds: tuple[str, ...]
    bits: float


def find_returns(environment: str, *, now: datetime) -> Iterator[Return]:
    """Whoever shares 9 bits of two kinds with two of those whom one batch revoked.

    Who was in the batch is the caller's to leave out. A query for each 500 remembered values.
    """
    found: dict[tuple[str, str], dict[str, tuple[float, BanMemory]]] = defaultdict(dict)
    tags: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = BanMemory.objects.filter(environment=environment, ends_at__gt=now).exclude(batch_id="")
    for memories in batched(rows.order_by("pk").iterator(CHUNK), CHUNK):
        of: dict[Value, list[BanMemory]] = defaultdict(list)
        for one in memories:
            of[Value(one.kind, bytes(one.value_hash))].append(one)
        for value, accounts in holders_of(environment, of).items():
            for memory in of[value]:
                worth = _worth(memory, len(accounts))
                for account in accounts:
                    best = found[account, memory.batch_id]
                    tags[account, memory.batch_id].update(
                        {memory.member_tag} if memory.members < 2 else {memory.member_tag, "another"}
                    )
                    if worth > best.get(memory.kind, (0.0, memory))[0]:
                        best[memory.kind] = worth, memory
    for (account, batch), best in sorted(found.items()):
        strength = sum(worth for worth, _ in best.values())
        if strength >= LEAST_BITS and len(best) >= LEAST_KINDS and len(tags[account, batch]) > 1:
            reason = max(best.values(), key=lambda pair: pair[0])[1].reason
            yield Return(account, environment, batch, reason, tuple(sorted(best)), round(strength, 2))


def _worth(memory: BanMemory, holders: int) -> float:
    """Bits of a remembered value; every holder beyond the revoked is a cluster of its own, at most."""
    others = max(1, holders - memory.members)
    if memory.kind in CEILINGS:
        return CEILINGS[memory.kind] if is_evidence(memory.kind, max(2, holders)) else 0.0
    weight = WEIGHTS[memory.kind]
    return max(0.0, weight.base - weight.loss * math.log2(others))


def _keys_of(account_ids: Collection[str], environment: str) -> dict[tuple[str, bytes], str]:
    """Under which key of the ring each value of the accounts is hashed."""
    rows = Signal.objects.filter(environment=environment, account_id__in=account_ids)
    return {
        (kind, bytes(digest)): key for kind, digest, key in rows.values_list("kind", "value_hash", "key_id")
    }
