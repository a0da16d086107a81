"""Remembers what somebody who was revoked was seen with: the next wave is met by it.

A memory is the keyed hash of a value, why, and until when. It outlives the account and its
erasure. What may follow from a match is not decided here.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from accounts.linkage.evidence import holders_of, values_of
from accounts.linkage.models import BanMemory, Signal
from accounts.linkage.weigh import is_evidence


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
    keys = _keys_of(account_ids, environment)
    for value, who in holders_of(environment, values_of(environment, account_ids)).items():
        if len(who) > 1 and not is_evidence(value.kind, len(who)):
            continue
        rows.append(
            BanMemory(
                environment=environment,
                kind=value.kind,
                key_id=keys[value.kind, value.digest],
                value_hash=value.digest,
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


def _keys_of(account_ids: Collection[str], environment: str) -> dict[tuple[str, bytes], str]:
    """Under which key of the ring each value of the accounts is hashed."""
    rows = Signal.objects.filter(environment=environment, account_id__in=account_ids)
    return {
        (kind, bytes(digest)): key for kind, digest, key in rows.values_list("kind", "value_hash", "key_id")
    }
