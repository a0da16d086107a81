"""What is asked of admission and what comes back; the three stores know nothing else (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from passport.limits.buckets import Bucket
from passport.limits.gcra import Left
from passport.proofs.spent import Spent

PARTITIONS = 256


class StoreUnavailable(Exception):
    """The store cannot decide now: nothing was given out, and nobody may try again unasked."""

    def __init__(self, reason: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class StoreLost(StoreUnavailable):
    """It does not answer, or is not the one that has seen everything since the mode was set."""


def partition_of(subject_id: str) -> str:
    """``p000`` to ``p255``. ``subject_id`` is the cluster's id, or the account's where it is in none.

    All that one admission touches lies in one partition, so one script can take it on a
    cluster of Redis servers too.
    """
    return f"p{blake2b(subject_id.encode(), digest_size=1).digest()[0]:03d}"


@dataclass(frozen=True, slots=True)
class Mode:
    """Which store decides, and since when: read with the facts of the request."""

    name: str
    """``redis``, ``memory`` or ``database``."""
    since_us: int


@dataclass(frozen=True, slots=True)
class Admission:
    """All or nothing: every proof unspent, every bucket with enough in it, then the record."""

    partition: str
    spent: tuple[Spent, ...]
    buckets: tuple[Bucket, ...]
    record: Mapping[str, str | int] | None
    """Fields of IssueRecord; times in whole seconds since the epoch."""
    now_us: int
    partial: bool = False
    """Take fewer units, at least one, where not all are there. Every bucket then costs the same."""

    def __post_init__(self) -> None:
        keys = {bucket.key for bucket in self.buckets}
        if len(keys) != len(self.buckets):
            raise ValueError("a bucket is named twice")
        if self.partial and len({bucket.cost for bucket in self.buckets}) > 1:
            raise ValueError("part of unequal costs")


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a bucket holds after the decision."""

    bucket: Bucket
    left: Left


@dataclass(frozen=True, slots=True)
class Verdict:
    """Taken, or why not. A refusal has changed nothing."""

    taken: bool
    replayed: int | None = None
    """Index in ``spent`` of the first that was spent before."""
    refused: Bucket | None = None
    """The bucket that asks for the longest wait."""
    retry_after_us: int = 0
    remaining: tuple[Remaining, ...] = ()
    """In the order of ``buckets``; empty after a replay."""
    units: int = 0
    """What was charged to each bucket; less than asked only where ``partial`` was."""
