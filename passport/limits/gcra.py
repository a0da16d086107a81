"""The generic cell rate algorithm: one number per bucket, pure arithmetic (STANDARDS section 17).

A bucket holds ``burst`` units and gains one every ``emission_us``. All it remembers is its
theoretical arrival time (TAT): the moment at which it will be full again. The stores keep
that number; this file alone says what it means. ``admit.lua`` repeats it for Redis, and one
test body holds the two together.
"""

from dataclasses import dataclass

LONGEST_SPAN_US = 1 << 50
"""35 years: TATs stay whole numbers in the doubles that Lua counts with."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` units at once, then one every ``emission_us`` microseconds."""

    burst: int
    emission_us: int

    def __post_init__(self) -> None:
        if self.burst < 0 or self.emission_us < 1:
            raise ValueError(f"no such rate: burst {self.burst}, emission {self.emission_us} us")
        if self.burst * self.emission_us > LONGEST_SPAN_US:
            raise ValueError("a bucket that takes longer than 35 years to fill")

    @property
    def span_us(self) -> int:
        """How long an empty bucket takes to fill."""
        return self.burst * self.emission_us


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from asking a bucket."""

    tat_us: int
    """What to store. Unchanged when refused."""
    retry_after_us: int
    """0 when taken; else the shortest wait after which the same cost passes."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a bucket holds."""

    units: int
    full_in_us: int
    """0 when it is full."""


def rate_of(quota: int, window_seconds: int, burst: int) -> Rate:
    """``quota`` units every ``window_seconds``, rounded so that never more than that flows."""
    if quota < 1 or window_seconds < 1:
        raise ValueError("quota and window are at least 1")
    return Rate(min(burst, quota), -(-window_seconds * 1_000_000 // quota))


def decide(rate: Rate, *, cost: int, tat_us: int, now_us: int) -> Decision:
    """Take ``cost`` units, or say how long to wait.

    Raises ValueError when ``cost`` could never pass: waiting would not help. A clock that
    steps back only refuses more; one that is ahead by ``d`` lets ``d / emission_us`` pass early.
    """
    if not 1 <= cost <= rate.burst:
        raise ValueError(f"cost {cost} is outside 1..{rate.burst}")
    # A bucket left alone fills to its burst and no further.
    new_tat_us = max(tat_us, now_us) + cost * rate.emission_us
    wait_us = new_tat_us - rate.span_us - now_us
    if wait_us > 0:
        return Decision(tat_us=tat_us, retry_after_us=wait_us)
    return Decision(tat_us=new_tat_us, retry_after_us=0)


def peek(rate: Rate, *, tat_us: int, now_us: int) -> Left:
    """What the bucket holds now, changing nothing."""
    debt_us = max(tat_us - now_us, 0)
    return Left(units=max(rate.span_us - debt_us, 0) // rate.emission_us, full_in_us=debt_us)
