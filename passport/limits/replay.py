"""What terms would have refused of a demand that was seen (pure): the preview of a change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from passport.limits.gcra import decide, peek
from passport.limits.policies import Terms


@dataclass(frozen=True, slots=True)
class Demand:
    """What one subject asked for at one moment."""

    subject_id: str
    at_us: int
    units: int


SLICES = 12
"""Of a minute of which only the sum is known: five seconds each."""


def spread(subject_id: str, minute_us: int, units: int) -> Iterator[Demand]:
    """A minute's units as if they had come evenly: nobody knows better, and at once would refuse too many."""
    whole, rest = divmod(units, SLICES)
    for place in range(SLICES):
        if part := whole + (place < rest):
            yield Demand(subject_id, minute_us + place * 60_000_000 // SLICES, part)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one day's demand under one set of terms."""

    asked: int
    refused: int
    subjects: int
    """How many asked."""
    subjects_refused: int
    """How many of them would have been refused something."""


def replay(terms: Terms, demands: Iterable[Demand]) -> Outcome:
    """Every demand at its time, each subject with a full bucket at first.

    ``demands`` are in order of time for each subject.
    """
    tats: dict[str, int] = {}
    asked = refused = 0
    hit: set[str] = set()
    for demand in demands:
        asked += demand.units
        tat_us = tats.setdefault(demand.subject_id, 0)
        taken, tats[demand.subject_id] = _take(terms, demand, tat_us)
        if taken < demand.units:
            refused += demand.units - taken
            hit.add(demand.subject_id)
    return Outcome(asked, refused, len(tats), len(hit))


def _take(terms: Terms, demand: Demand, tat_us: int) -> tuple[int, int]:
    """How many of the units pass, and the new TAT. What comes at one moment may pass in part."""
    left = peek(terms.rate, tat_us=tat_us, now_us=demand.at_us).units
    units = min(demand.units, left)
    if not units:
        return 0, tat_us
    return units, decide(terms.rate, cost=units, tat_us=tat_us, now_us=demand.at_us).tat_us
