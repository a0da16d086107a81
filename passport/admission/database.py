"""Admission in the database: what decides while Redis is gone.

Slower, so it is capped: each bucket keeps only a share of its rate, and what is asked beyond
that is 503, not 429. It is our shortage, not the caller's. What is asked beyond the whole rate is
the caller's doing in any mode, and 429: the part that is not given has a bucket of its own, which
refusals fill. Replay is a unique insert, buckets
are rows locked in order of their keys.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from foundation import clock
from foundation.jobs.periodic import every
from passport.admission.contract import Admission, StoreUnavailable, Verdict
from passport.admission.judge import Judged, Tats, judge, keys_of, verdict_of
from passport.admission.models import DatabaseBucket, SpentProof
from passport.credentials.models import IssueRecord
from passport.limits.buckets import Bucket, Floor
from passport.limits.gcra import Rate
from passport.proofs.spent import Spent

KEPT_LONGER_US = 30_000_000
"""Past its end, for clocks of our processes that differ."""
ATTEMPTS = 3
"""A row that was there may be swept before it is locked: it is made again."""
SPEND = "INSERT INTO passport_spentproof (digest, expires_at_us) VALUES (%s, %s) ON CONFLICT DO NOTHING"


class _Undo(Exception):
    """Leaves the transaction with nothing written."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


class DatabaseStore:
    """Decides in one transaction. ``share`` is the part of each rate that it gives."""

    def __init__(self, share: float) -> None:
        self._share = share

    def admit(self, admission: Admission, since_us: int) -> Verdict:
        """All or nothing. Raises StoreUnavailable beyond the share, and when the database fails."""
        reduced = replace(admission, buckets=tuple(self._reduced(bucket) for bucket in admission.buckets))
        try:
            return self._decide(admission, reduced)
        except DatabaseError as failure:
            raise StoreUnavailable(type(failure).__name__) from failure

    def _decide(self, admission: Admission, reduced: Admission) -> Verdict:
        try:
            with transaction.atomic():
                return self._take(reduced)
        except _Undo as undo:
            return self._answer(admission, undo.verdict)

    def _take(self, admission: Admission) -> Verdict:
        for proof in sorted(admission.spent, key=lambda proof: proof.digest):
            if not spend_once(proof):
                raise _Undo(Verdict(taken=False, replayed=admission.spent.index(proof)))
        judged = judge(admission, lock_buckets(admission))
        if judged.refused is not None:
            raise _Undo(verdict_of(admission, judged))
        store_tats(admission, judged)
        if admission.record is not None:
            record_issue(admission.record)
        return verdict_of(admission, judged)

    def _answer(self, asked: Admission, verdict: Verdict) -> Verdict:
        """A refusal that the full rate would not have made is ours."""
        if verdict.refused is None or self._share >= 1:
            return verdict
        full = next(bucket for bucket in asked.buckets if bucket.key == verdict.refused.key)
        if full.cost > full.rate.burst or not self._would_have_had(full, asked.now_us):
            return verdict
        raise StoreUnavailable("share", retry_after_seconds=-(-verdict.retry_after_us // 1_000_000))

    def _would_have_had(self, bucket: Bucket, now_us: int) -> bool:
        """Whether the whole rate had had room: takes the units from the part that is not given."""
        rest = replace(bucket, key=f"r{bucket.key}", rate=part_of(bucket.rate, 1 - self._share), floor=None)
        try:
            with transaction.atomic():
                return self._take(Admission("", (), (rest,), None, now_us)).taken
        except _Undo:
            return False

    def _reduced(self, bucket: Bucket) -> Bucket:
        floor = bucket.floor and Floor(bucket.floor.key, part_of(bucket.floor.rate, self._share))
        return replace(bucket, rate=part_of(bucket.rate, self._share), floor=floor)


def part_of(rate: Rate, share: float) -> Rate:
    """The share of a rate; at least one unit, unless it gives none at all."""
    burst = min(rate.burst, max(1, int(rate.burst * share)))
    return Rate(burst, max(rate.emission_us, int(rate.emission_us / share)))


def spend_once(proof: Spent) -> bool:
    """False if it was spent before. Waits for a transaction that is spending it."""
    with connection.cursor() as cursor:
        cursor.execute(SPEND, [proof.digest, proof.expires_at_us + KEPT_LONGER_US])
        return bool(cursor.rowcount == 1)


def lock_buckets(admission: Admission) -> list[Tats]:
    """Their rows, made where missing, locked in one order so that no two admissions wait for each other."""
    names = sorted(name for bucket in admission.buckets for name in keys_of(bucket))
    for _ in range(ATTEMPTS):
        DatabaseBucket.objects.bulk_create(
            [DatabaseBucket(key=name, tat_us=0) for name in names], ignore_conflicts=True
        )
        rows = DatabaseBucket.objects.select_for_update().filter(key__in=names).order_by("key")
        held = {row.key: row.tat_us for row in rows}
        if len(held) == len(names):
            return [Tats(*(held[name] for name in keys_of(bucket))) for bucket in admission.buckets]
    raise StoreUnavailable("rows were swept away")


def store_tats(admission: Admission, judged: Judged) -> None:
    rows = []
    for bucket, tats in zip(admission.buckets, judged.tats, strict=True):
        for name, tat_us in zip(keys_of(bucket), (tats.main_us, tats.floor_us), strict=False):
            rows.append(DatabaseBucket(key=name, tat_us=tat_us))
    DatabaseBucket.objects.bulk_update(rows, ["tat_us"])


def record_issue(record: Any) -> None:
    """No stream here: the record is written at once."""
    times = {name: datetime.fromtimestamp(record[name], UTC) for name in ("issued_at", "expires_at")}
    IssueRecord.objects.create(**{**record, **times})


def forget_expired(now_us: int, limit: int = 10_000) -> int:
    """Drop proofs past their end and buckets that have filled again. Gives how many rows went."""
    gone = 0
    for model, rows in (
        (SpentProof, SpentProof.objects.filter(expires_at_us__lt=now_us)),
        (DatabaseBucket, DatabaseBucket.objects.filter(tat_us__lt=now_us - KEPT_LONGER_US)),
    ):
        keys = list(rows.values_list("pk", flat=True)[:limit])
        gone += model._default_manager.filter(pk__in=keys).delete()[0]
    return gone


@every(30, "passport.admission.sweep")
def sweep() -> None:
    """Keep the tables as small as what is alive."""
    forget_expired(clock.now_us())
