"""What terms would have refused of a demand that was seen (pure): the preview of a change."""

from collections.abc import Iterable
from dataclasses import dataclass

from passport.limits.gcra import decide, peek
from passport.limits.policies import Terms


@dataclass(frozen=True, slots=True)
class Demand:
    """What one subject asked for at one moment."""

    subject_id: str
    at_us: int
    units: int


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
    """Every demand at its time, each subject with a full bucket at first. ``demands`` in order of time."""
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
