"""The generic cell rate algorithm, for the time when the issuer cannot be asked (pure).

One number for each bucket: the theoretical arrival time, in microseconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """``quota`` units in ``window_seconds``; all of them may come at once."""

    name: str
    quota: int
    window_seconds: int

    @property
    def emission_us(self) -> int:
        return self.window_seconds * 1_000_000 // self.quota


@dataclass(frozen=True, slots=True)
class Decision:
    tat_us: int
    """What to store. Unchanged when refused."""
    retry_after_us: int
    """0 when taken; else the shortest wait after which the same cost passes."""
    remaining: int


def decide(rate: Rate, *, cost: int, tat_us: int, now_us: int) -> Decision:
    """Take ``cost`` units, or say how long to wait. A cost above the quota waits for ever: the window."""
    burst_us = rate.quota * rate.emission_us
    # A bucket left alone fills to its quota and no further.
    start = max(tat_us, now_us)
    taken = start + cost * rate.emission_us
    wait = taken - burst_us - now_us
    if cost > rate.quota:
        wait = rate.window_seconds * 1_000_000
    left = now_us + burst_us - (start if wait > 0 else taken)
    remaining = max(0, left // rate.emission_us)
    if wait > 0:
        return Decision(tat_us, wait, remaining)
    return Decision(taken, 0, remaining)
