"""Adds to clusters whoever shares several kinds of evidence with several members (LINKAGE section 2.4).

Blocks find an attacker's core; its tail, and the wave after a revocation, share a device here
and an address there. Each kind counts once, as much as it is surprising, and less for every
other cluster that has the value too. Pure.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accounts.linkage.columns import KIND_NUMBER, KINDS, Bools, Evidence, Ints
from accounts.linkage.weigh import CEILINGS, HOLDER_CLASSES, JUDGEMENT, WEIGHTS, Model

LEAST_CLUSTER = 5
"""A cluster that others may join."""
MOST_HOLDERS = 400
LEAST_BITS = 9.0
LEAST_KINDS = 2
MOST_ROUNDS = 4

type Floats = npt.NDArray[np.float64]

_BASE = np.array([WEIGHTS[kind].base if kind in WEIGHTS else 0.0 for kind in KINDS])
_LOSS = np.array([WEIGHTS[kind].loss if kind in WEIGHTS else 0.0 for kind in KINDS])
_CEILING = np.array([CEILINGS.get(kind, 0.0) for kind in KINDS])
_USED = ((_BASE > 0) | (_CEILING > 0)) & (np.arange(len(KINDS)) != KIND_NUMBER["domain"])


@dataclass(frozen=True, slots=True)
class Attachment:
    """Why some accounts joined a group: the best value of each kind, and what it was worth."""

    accounts: Ints
    group: int
    values: Ints
    bits: Floats


@dataclass(slots=True)
class Attached:
    """Groups after others joined them."""

    group: Ints
    joined: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shared:
    """One row for each value, big group and other unit that have it in common."""

    value: Ints
    group: Ints
    unit: Ints
    members: Ints
    """How many of the group have the value."""
    member: Ints
    """One of them."""
    weight: Floats


def attach(evidence: Evidence, group: Ints, barred: Bools, model: Model = JUDGEMENT) -> Attached:
    """Let outsiders and smaller groups join groups of five and more, in up to four rounds.

    ``group`` is -1 for outsiders. Accounts that are ``barred`` neither join nor draw others in.
    """
    attached = Attached(group.copy())
    usable = _USED[evidence.kinds] & (evidence.holders <= MOST_HOLDERS)
    edge = np.flatnonzero(usable[evidence.value] & ~barred[evidence.account])
    learnt = _learnt(evidence, model)
    for _ in range(MOST_ROUNDS):
        if not _join(evidence, edge, attached, learnt):
            break
    return attached


def _join(evidence: Evidence, edge: Ints, attached: Attached, learnt: Floats) -> bool:
    """One round. False: nobody joined."""
    first_free = int(attached.group.max(initial=-1)) + 1
    outsiders = np.arange(len(attached.group)) + first_free
    unit = np.where(attached.group >= 0, attached.group, outsiders)
    sizes = np.bincount(unit, minlength=first_free + len(unit))
    big = np.zeros(len(sizes), dtype=bool)
    big[:first_free] = sizes[:first_free] >= LEAST_CLUSTER
    shared = _shared(evidence, edge, unit, sizes, big, learnt)
    chosen = _choose(evidence, shared, sizes)
    for target, joining, rows in chosen:
        attached.joined.append(
            Attachment(np.flatnonzero(unit == joining), target, shared.value[rows], shared.weight[rows])
        )
    # All join at once: whoever joined a group that joins another goes on with it.
    parent = np.arange(len(sizes))
    for target, joining, _ in chosen:
        parent[joining] = target
    for _ in range(len(chosen)):
        if np.array_equal(parent, parent := parent[parent]):
            break
    after = parent[unit]
    attached.group = np.where(after < first_free, after, -1)
    return bool(chosen)


def _shared(evidence: Evidence, edge: Ints, unit: Ints, sizes: Ints, big: Bools, learnt: Floats) -> _Shared:
    account, value = evidence.account[edge], evidence.value[edge]
    width = len(sizes)
    pairs, place, members = np.unique(value * width + unit[account], return_inverse=True, return_counts=True)
    member = np.zeros(len(pairs), dtype=np.int64)
    member[place[::-1]] = account[::-1]
    of_value, of_unit = pairs // width, pairs % width
    units = np.bincount(of_value, minlength=len(evidence.kinds))
    left = np.flatnonzero(big[of_unit] & (units[of_value] > 1))
    # Every other unit that has the same value: the pairs of a value lie together.
    begin = np.searchsorted(of_value, of_value[left], "left")
    count = units[of_value[left]]
    right = np.repeat(begin, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    left = np.repeat(left, count)
    group, other = of_unit[left], of_unit[right]
    touch = _touch(evidence, of_value[left], group, other, sizes)
    keep = (group != other) & (
        (sizes[other] < sizes[group]) | ((sizes[other] == sizes[group]) & (group < other))
    )
    left, right = left[keep], right[keep]
    kind = evidence.kinds[of_value[left]]
    # What was learnt of a kind bounds it as surprise does: it never makes more of it than judgement.
    surprise = np.minimum(np.log2(len(evidence.accounts) / touch[keep]), learnt[of_value[left]])
    weight = _weights(kind, units[of_value[left]], sizes[of_unit[right]], surprise)
    rows = weight > 0
    left, right = left[rows], right[rows]
    return _Shared(of_value[left], of_unit[left], of_unit[right], members[left], member[left], weight[rows])


def _learnt(evidence: Evidence, model: Model) -> Floats:
    """For each value the bits that cases say it is worth; without bound where they say nothing."""
    found = np.full(len(evidence.kinds), np.inf)
    place = np.searchsorted(HOLDER_CLASSES, evidence.holders)
    for kind, bits in model.bits.items():
        mine = evidence.kinds == KIND_NUMBER[kind]
        found[mine] = np.asarray(bits, dtype=np.float64)[place[mine]]
    return found


def _touch(evidence: Evidence, value: Ints, group: Ints, other: Ints, sizes: Ints) -> Ints:
    """For each row how many accounts outside its group touch that group through the kind of its value."""
    width = len(sizes)
    of = group * len(KINDS) + evidence.kinds[value]
    outside = group != other
    seen = np.unique(of[outside] * width + other[outside])
    counts = np.zeros(width * len(KINDS), dtype=np.int64)
    np.add.at(counts, seen // width, sizes[seen % width])
    found: Ints = np.maximum(counts[of], 1)
    return found


def _weights(kind: Ints, units: Ints, joining: Ints, surprise: Floats) -> Floats:
    capped = _CEILING[kind] > 0
    most = np.where(capped, _CEILING[kind], _BASE[kind] - _LOSS[kind] * np.log2(units - 1))
    less = np.log2(joining) * np.where(capped, 1.0, 0.5)
    weight: Floats = np.maximum(np.minimum(surprise, most) - less, 0.0)
    return weight


def _choose(evidence: Evidence, shared: _Shared, sizes: Ints) -> list[tuple[int, int, Ints]]:
    """For each unit the group it fits best, if it fits: group, unit and the rows that say so."""
    kind = evidence.kinds[shared.value]
    order = np.lexsort((shared.value, -shared.members, -shared.weight, kind, shared.group, shared.unit))
    pair = shared.unit * len(sizes) + shared.group
    pair, kind = pair[order], kind[order]
    best = np.ones(len(order), dtype=bool)
    best[1:] = (pair[1:] != pair[:-1]) | (kind[1:] != kind[:-1])
    rows, pair = order[best], pair[best]
    _, start, place, kinds = np.unique(pair, return_index=True, return_inverse=True, return_counts=True)
    if not len(start):
        return []
    total = np.bincount(place, weights=shared.weight[rows])
    several = np.maximum.reduceat(shared.members[rows], start) > 1
    member = shared.member[rows]
    several |= np.maximum.reduceat(member, start) != np.minimum.reduceat(member, start)
    fits = np.flatnonzero((total >= LEAST_BITS) & (kinds >= LEAST_KINDS) & several)
    unit, group = shared.unit[rows[start[fits]]], shared.group[rows[start[fits]]]
    ranked = fits[np.lexsort((group, -sizes[group], -total[fits], unit))]
    taken = shared.unit[rows[start[ranked]]]
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = taken[1:] != taken[:-1]
    return [
        (
            int(shared.group[rows[start[one]]]),
            int(shared.unit[rows[start[one]]]),
            rows[start[one] : start[one] + kinds[one]],
        )
        for one in ranked[first].tolist()
    ]
