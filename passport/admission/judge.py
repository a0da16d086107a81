"""The decision over all buckets of one admission (pure). ``admit.lua`` repeats it for Redis."""

from collections.abc import Sequence
from dataclasses import dataclass

from passport.admission.contract import Admission, Remaining, Verdict
from passport.limits.buckets import Bucket
from passport.limits.gcra import Rate, decide, peek


@dataclass(frozen=True, slots=True)
class Tats:
    """What a store holds of a bucket; 0 where it holds nothing."""

    main_us: int = 0
    floor_us: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The units each bucket gives, and what is to be stored: 0 units, nothing to store."""

    units: int
    tats: tuple[Tats, ...]
    refused: int | None = None
    retry_after_us: int = 0


def keys_of(bucket: Bucket) -> tuple[str, ...]:
    return (bucket.key,) if bucket.floor is None else (bucket.key, bucket.floor.key)


def judge(admission: Admission, held: Sequence[Tats]) -> Judged:
    """Take from every bucket or from none; from a floor only where its shared bucket has too little."""
    fewer = affordable(admission, held) if admission.partial else None
    taken: list[Tats] = []
    refused: int | None = None
    longest_us = 0
    for index, (bucket, tats) in enumerate(zip(admission.buckets, held, strict=True)):
        after, wait_us = take(bucket, fewer or bucket.cost, tats, admission.now_us)
        taken.append(after)
        if wait_us > longest_us:
            refused, longest_us = index, wait_us
    if refused is not None:
        return Judged(0, tuple(held), refused, longest_us)
    asked = admission.buckets[0].cost if admission.buckets else 1
    return Judged(fewer or asked, tuple(taken))


def take(bucket: Bucket, units: int, tats: Tats, now_us: int) -> tuple[Tats, int]:
    """The new TATs and 0, or the old ones and how long to wait."""
    main = ask(bucket.rate, units, tats.main_us, now_us)
    if main[1] == 0:
        return Tats(main[0], tats.floor_us), 0
    if bucket.floor is None:
        return tats, main[1]
    floor = ask(bucket.floor.rate, units, tats.floor_us, now_us)
    if floor[1] == 0:
        return Tats(tats.main_us, floor[0]), 0
    return tats, min(main[1], floor[1])


def ask(rate: Rate, units: int, tat_us: int, now_us: int) -> tuple[int, int]:
    """As ``decide``; a cost that never passes asks for a whole filling of the bucket, at least a minute."""
    if units > rate.burst:
        return tat_us, never_us(rate)
    decision = decide(rate, cost=units, tat_us=tat_us, now_us=now_us)
    return decision.tat_us, decision.retry_after_us


def never_us(rate: Rate) -> int:
    return max(rate.span_us, 60_000_000)


def affordable(admission: Admission, held: Sequence[Tats]) -> int:
    """The most units, up to the cost, that every bucket gives; at least 1, so that a refusal has its wait."""
    units = min((bucket.cost for bucket in admission.buckets), default=1)
    for bucket, tats in zip(admission.buckets, held, strict=True):
        best = peek(bucket.rate, tat_us=tats.main_us, now_us=admission.now_us).units
        if bucket.floor is not None:
            best = max(best, peek(bucket.floor.rate, tat_us=tats.floor_us, now_us=admission.now_us).units)
        units = min(units, best)
    return max(units, 1)


def verdict_of(admission: Admission, judged: Judged) -> Verdict:
    """Say it in the words of the contract."""
    remaining = tuple(
        Remaining(bucket, peek(bucket.rate, tat_us=tats.main_us, now_us=admission.now_us))
        for bucket, tats in zip(admission.buckets, judged.tats, strict=True)
    )
    refused = None if judged.refused is None else admission.buckets[judged.refused]
    return Verdict(
        taken=refused is None,
        refused=refused,
        retry_after_us=judged.retry_after_us,
        remaining=remaining,
        units=judged.units,
    )
