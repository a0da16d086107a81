"""All clusters of an environment: blocks, who joins them, and what single ties say of the suspected. Pure.

What is found online is the blocks alone; the rest needs the whole population to measure by.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from accounts.linkage.attach import Attachment, attach
from accounts.linkage.columns import Bools, Evidence, Ints
from accounts.linkage.grades import Grouped, find_grouped
from accounts.linkage.graph import Blocks
from accounts.linkage.groups import Group, Tie, as_groups
from accounts.linkage.schedules import Day, find_in_step
from accounts.linkage.suspicion import find_suspected, thin_values
from accounts.linkage.weigh import JUDGEMENT, Model, bits

MOST_SHOWN = 3
"""Members named beside a value by which somebody joined."""
ATTACHED, SUSPECTED, IN_STEP = "attached", "suspected", "in_step"


@dataclass(frozen=True, slots=True)
class Found:
    blocks: list[Group]
    """What online finds too."""
    groups: list[Group]


def find_clusters(
    evidence: Evidence,
    days: Iterable[Day] = (),
    *,
    find: Callable[[Evidence], Grouped] = find_grouped,
    model: Model = JUDGEMENT,
) -> Found:
    """Blocks first; then who joins them, then the suspected, then who joins those, then who acts in step.

    ``days`` gives for each day which accounts were at work, and when; ``find`` is the engine for blocks.
    """
    grouped = find(evidence)
    blocks = grouped.blocks
    declared = np.append(blocks.organisation, False)[blocks.group]
    personal = np.where(declared, -1, blocks.group)
    barred = grouped.copied | declared
    first = attach(evidence, personal, barred, model)
    suspected = find_suspected(evidence, first.group, barred)
    last = attach(evidence, suspected, barred, model)
    written = as_groups(evidence, blocks)
    organisations = [group for group in written if group.grade == "organisation"]
    group = find_in_step(evidence, days, np.where(declared, -1, last.group), barred)
    joined = _joined(personal, first.group, suspected, last.group, group)
    merged = _merge(evidence, blocks, group, joined, [*first.joined, *last.joined])
    return Found(written, [*merged, *organisations])


def _joined(personal: Ints, first: Ints, suspected: Ints, last: Ints, group: Ints) -> dict[str, Bools]:
    """By what accounts are in the group they ended in, where that is not the block they came from."""
    moved = (group >= 0) & (group != personal)
    in_step = moved & (group != last)
    by_suspicion = moved & ~in_step & (suspected != first)
    return {SUSPECTED: by_suspicion, IN_STEP: in_step, ATTACHED: moved & ~by_suspicion & ~in_step}


def _merge(
    evidence: Evidence,
    blocks: Blocks,
    group: Ints,
    joined: dict[str, Bools],
    attachments: list[Attachment],
) -> list[Group]:
    """The personal groups with everybody who joined, and what says so."""
    accounts: dict[int, list[int]] = {}
    for account in np.flatnonzero(group >= 0).tolist():
        accounts.setdefault(int(group[account]), []).append(account)
    ties: dict[int, dict[tuple[int, int], float]] = {number: {} for number in accounts}
    for account, value in _edges(evidence, blocks.edge):
        if group[account] >= 0:
            ties[int(group[account])][account, value] = _bits(evidence, value)
    for account, value in _edges(evidence, _thin_edges(evidence, group, joined[SUSPECTED])):
        ties[int(group[account])].setdefault((account, value), _bits(evidence, value))
    for attachment in attachments:
        _tie(evidence, attachment, group, ties)
    basis = {int(one): name for name, who in joined.items() for one in np.flatnonzero(who)}
    return [_group(evidence, members, ties[number], basis) for number, members in sorted(accounts.items())]


def _edges(evidence: Evidence, edge: Ints) -> Iterator[tuple[int, int]]:
    return zip(evidence.account[edge].tolist(), evidence.value[edge].tolist(), strict=True)


def _bits(evidence: Evidence, value: int) -> float:
    return bits(evidence.name(value).kind, int(evidence.holders[value]))


def _thin_edges(evidence: Evidence, group: Ints, suspected: Bools) -> Ints:
    """Edges of few holders that two members of a group with suspected accounts have in common."""
    holding = np.zeros(len(group) + int(group.max(initial=0)) + 1, dtype=bool)
    holding[group[suspected]] = True
    edge = np.flatnonzero(thin_values(evidence)[evidence.value] & (group[evidence.account] >= 0))
    edge = edge[holding[group[evidence.account[edge]]]]
    key = group[evidence.account[edge]] * (len(evidence.kinds) + 1) + evidence.value[edge]
    _, place, count = np.unique(key, return_inverse=True, return_counts=True)
    return edge[count[place] > 1] if len(edge) else edge


def _tie(
    evidence: Evidence, attachment: Attachment, group: Ints, ties: dict[int, dict[tuple[int, int], float]]
) -> None:
    """What somebody joined by: the newcomer's edges, and those of some members beside it."""
    number = int(group[attachment.accounts[0]])
    for value, weight in zip(attachment.values.tolist(), attachment.bits.tolist(), strict=True):
        begin, end = np.searchsorted(evidence.value, [value, value + 1])
        holders = evidence.account[begin:end]
        mine = np.isin(holders, attachment.accounts)
        others = holders[~mine & (group[holders] == number)][:MOST_SHOWN]
        for account in [*holders[mine].tolist(), *others.tolist()]:
            ties[number].setdefault((account, value), round(weight, 4))


def _group(
    evidence: Evidence, members: list[int], ties: dict[tuple[int, int], float], basis: dict[int, str]
) -> Group:
    return Group(
        frozenset(evidence.accounts[one] for one in members),
        tuple(
            Tie(evidence.accounts[account], evidence.name(value), int(evidence.holders[value]), weight)
            for (account, value), weight in ties.items()
        ),
        _grade({basis.get(one, "") for one in members}),
        {evidence.accounts[one]: basis[one] for one in members if one in basis},
    )


def _grade(bases: set[str]) -> str:
    """A group without a block of its own is as strong as what it began with."""
    if "" in bases:
        return "linked"
    return "synchronous" if bases == {IN_STEP} else "suspected"
