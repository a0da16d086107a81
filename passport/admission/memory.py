"""Admission inside one process: the embedded default. Counters restart with the process.

Bounded: what has expired is dropped, and where too much is alive a newcomer is refused
rather than an old proof forgotten.
"""

import heapq
import threading
from collections import deque
from collections.abc import Mapping

from passport.admission.contract import Admission, StoreLost, StoreUnavailable, Verdict
from passport.admission.judge import Tats, judge, keys_of, verdict_of
from passport.limits.buckets import Bucket
from passport.proofs.spent import Spent

MOST_SPENT = 500_000
"""At about 200 bytes each: 100 MB."""
MOST_BUCKETS = 500_000
MOST_RECORDS = 100_000


class MemoryStore:
    """One step at a time, under one lock."""

    def __init__(self, *, most_spent: int = MOST_SPENT, most_buckets: int = MOST_BUCKETS) -> None:
        self._lock = threading.Lock()
        self._spent: set[bytes] = set()
        self._spent_ends: list[tuple[int, bytes]] = []
        self._tats: dict[str, int] = {}
        self._sweep_at = 1024
        self._most_spent = most_spent
        self._most_buckets = most_buckets
        self._records: deque[tuple[int, Mapping[str, str | int]]] = deque(maxlen=MOST_RECORDS)
        self._recorded = 0
        self._since_us = -1

    def mark(self, since_us: int) -> None:
        """From now on this process has seen all."""
        with self._lock:
            self._since_us = since_us

    def is_whole(self, since_us: int) -> bool:
        return self._since_us == since_us

    def admit(self, admission: Admission, since_us: int) -> Verdict:
        """All or nothing.

        Raises StoreLost when the mode was set by a process before this one, StoreUnavailable
        when memory is full of what is alive.
        """
        with self._lock:
            if self._since_us != since_us:
                raise StoreLost("restarted")
            self._forget_expired(admission.now_us)
            replayed = self._find_replay(admission.spent)
            if replayed is not None:
                return Verdict(taken=False, replayed=replayed)
            judged = judge(admission, [self._held(bucket) for bucket in admission.buckets])
            if judged.refused is None:
                self._check_room(admission)
                self._keep(admission, judged.tats)
        return verdict_of(admission, judged)

    def records_after(self, number: int, limit: int) -> list[tuple[int, Mapping[str, str | int]]]:
        """The issue records that follow ``number``, oldest first."""
        with self._lock:
            return [entry for entry in self._records if entry[0] > number][:limit]

    def forget_records(self, upto: int) -> None:
        """Drop what has been written elsewhere."""
        with self._lock:
            while self._records and self._records[0][0] <= upto:
                self._records.popleft()

    def clear(self) -> None:
        """As if the process had just started."""
        with self._lock:
            self._spent.clear()
            self._spent_ends.clear()
            self._tats.clear()
            self._records.clear()

    def size(self) -> tuple[int, int]:
        """How many proofs and how many buckets are held."""
        return len(self._spent), len(self._tats)

    def _held(self, bucket: Bucket) -> Tats:
        floor_us = 0 if bucket.floor is None else self._tats.get(bucket.floor.key, 0)
        return Tats(self._tats.get(bucket.key, 0), floor_us)

    def _find_replay(self, spent: tuple[Spent, ...]) -> int | None:
        seen: set[bytes] = set()
        for index, proof in enumerate(spent):
            if proof.digest in self._spent or proof.digest in seen:
                return index
            seen.add(proof.digest)
        return None

    def _check_room(self, admission: Admission) -> None:
        if len(self._tats) + 2 * len(admission.buckets) > self._most_buckets:
            self._sweep(admission.now_us)
        full = (
            len(self._spent) + len(admission.spent) > self._most_spent
            or len(self._tats) + 2 * len(admission.buckets) > self._most_buckets
        )
        if full:
            raise StoreUnavailable("memory is full", retry_after_seconds=5)

    def _keep(self, admission: Admission, after: tuple[Tats, ...]) -> None:
        for proof in admission.spent:
            self._spent.add(proof.digest)
            heapq.heappush(self._spent_ends, (proof.expires_at_us, proof.digest))
        for bucket, tats in zip(admission.buckets, after, strict=True):
            for key, tat_us in zip(keys_of(bucket), (tats.main_us, tats.floor_us), strict=False):
                if tat_us:
                    self._tats[key] = tat_us
        if admission.record is not None:
            self._recorded += 1
            self._records.append((self._recorded, admission.record))

    def _forget_expired(self, now_us: int) -> None:
        while self._spent_ends and self._spent_ends[0][0] <= now_us:
            self._spent.discard(heapq.heappop(self._spent_ends)[1])
        if len(self._tats) >= self._sweep_at:
            self._sweep(now_us)
            self._sweep_at = max(1024, 2 * len(self._tats))

    def _sweep(self, now_us: int) -> None:
        """A bucket past its TAT is full, which is what a bucket never seen is."""
        for key in [key for key, tat_us in self._tats.items() if tat_us <= now_us]:
            del self._tats[key]


STORE = MemoryStore()
"""This process's own."""
