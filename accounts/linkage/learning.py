"""Versions of the weights: learnt from what people decided, in shadow first, adopted by a person.

What is learnt can only lower what judgement gives a shared value: decisions are about clusters
that were found, so they tell which evidence misled, and nothing of what was never found.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.linkage.evidence import counts_of, sightings_of
from accounts.linkage.models import LinkageModel
from accounts.linkage.weigh import HOLDER_CLASSES, JUDGEMENT, WEIGHTS, Model, is_evidence
from foundation.ledger.append import append

LEAST_CASES = 200
LEAST_OF_A_KIND = 20
"""Decided cases of each outcome without which nothing is learnt: a ratio has two sides."""
MOST_MEMBERS = 500
"""Of a case; the rest says the same."""
State = LinkageModel.State


class TooFew(Exception):
    """Not enough was decided to learn from."""


@dataclass(frozen=True, slots=True)
class Case:
    """Accounts that were looked at together, and what a person said of them."""

    accounts: tuple[str, ...]
    environment: str
    linked: bool


@dataclass(slots=True)
class Counted:
    """Of pairs of accounts: how many there were, and how many shared a value of a kind and class."""

    pairs: int = 0
    sharing: Counter[tuple[str, int]] = field(default_factory=Counter)


def in_force() -> Model:
    """The weights that count now: those of judgement until others are adopted."""
    row = LinkageModel.objects.filter(state=State.ACTIVE).first()
    return JUDGEMENT if row is None else as_model(row)


def as_model(row: LinkageModel) -> Model:
    return Model(row.version, {kind: tuple(bits) for kind, bits in row.bits.items()})


def learn(cases: Iterable[Case], *, actor: str, now: datetime) -> LinkageModel:
    """A new version in shadow. Raises TooFew below the floor."""
    counted = {True: Counted(), False: Counted()}
    decided: Counter[bool] = Counter()
    for case in cases:
        decided[case.linked] += 1
        count_case(case, counted[case.linked])
    number = decided.total()
    if number < LEAST_CASES or min(decided[True], decided[False]) < LEAST_OF_A_KIND:
        raise TooFew(
            f"{number} cases are decided ({decided[False]} dismissed); {LEAST_CASES} are needed, "
            f"{LEAST_OF_A_KIND} of them of each outcome"
        )
    with transaction.atomic():
        row = LinkageModel.objects.create(
            version=f"learnt-{now:%Y%m%d-%H%M%S}",
            bits=weigh_pairs(counted[True], counted[False]),
            cases=number,
            created_at=now,
            changed_at=now,
            changed_by=actor,
        )
        _record(row, actor, "learnt")
    return row


def count_case(case: Case, counted: Counted) -> None:
    """Add the pairs of a case."""
    members = case.accounts[:MOST_MEMBERS]
    holders = Counter(one.value for one in sightings_of(case.environment, members))
    counts = counts_of(case.environment, holders)
    counted.pairs += math.comb(len(members), 2)
    for value, inside in holders.items():
        if inside > 1 and is_evidence(value.kind, counts[value]):
            counted.sharing[value.kind, holder_class(counts[value])] += math.comb(inside, 2)


def holder_class(holders: int) -> int:
    """The class of a number of holders, as its place."""
    return sum(holders > most for most in HOLDER_CLASSES)


def weigh_pairs(linked: Counted, others: Counted) -> dict[str, list[float]]:
    """``log2(P(shared | linked) / P(shared | not linked))``, Laplace-smoothed, never below 0."""
    return {
        kind: [
            round(
                max(
                    0.0,
                    math.log2(
                        (linked.sharing[kind, place] + 1)
                        / (linked.pairs + 2)
                        * (others.pairs + 2)
                        / (others.sharing[kind, place] + 1)
                    ),
                ),
                3,
            )
            for place in range(len(HOLDER_CLASSES) + 1)
        ]
        for kind, weight in WEIGHTS.items()
        if weight.base and (_seen(linked, kind) or _seen(others, kind))
    }


def adopt(version: str, *, actor: str, reason: str, now: datetime) -> LinkageModel:
    """Put a version in force, and retire what was. Raises LinkageModel.DoesNotExist."""
    with transaction.atomic():
        row = LinkageModel.objects.select_for_update().get(pk=version)
        LinkageModel.objects.filter(state=State.ACTIVE).exclude(pk=version).update(
            state=State.RETIRED, changed_at=now, changed_by=actor
        )
        row.state, row.changed_at, row.changed_by = State.ACTIVE, now, actor
        row.save(update_fields=["state", "changed_at", "changed_by"])
        _record(row, actor, "adopted", reason)
    return row


def _seen(counted: Counted, kind: str) -> bool:
    return any(name == kind for name, _ in counted.sharing)


def _record(row: LinkageModel, actor: str, reason: str, text: str = "") -> None:
    payload: Mapping[str, object] = {"model": row.version, "bits": row.bits, "cases": row.cases}
    append("linkage.model", actor=actor, reason=reason, payload=payload, text=text)
