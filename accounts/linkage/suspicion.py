"""Gathers accounts that single values tie together, where nobody vouches for any of them.

A tree, a star or a thin chain of accounts has no two independent paths: blocks cannot see it.
One value in common is no evidence either, for strangers come by it: a device is sold, a number
is given out anew. But strangers are vouched for as often as anybody. So only accounts without a
document, a domain or a social identity are looked at, tied by values that few hold; and what
hangs together counts only where it is larger than anything that comes about when the same
proofs are dealt out at random over the same ties. Where honest accounts hang together in large
lumps, chance makes large lumps too, and nothing is found: the measure is the population itself.
Pure.
"""

import math
from dataclasses import dataclass

import numpy as np

from accounts.linkage.columns import KIND_NUMBER, Bools, Evidence, Ints
from accounts.linkage.graph import owners, roots

MOST_HOLDERS = 5
"""Of a value that ties: more hold the card of an office, the printer of a club."""
LEAST_UNITS = 8
MOST_PROVEN = 1 / 3
"""Share of a small group's members that may be vouched for."""
LEAST_CLUSTER = 5
"""Groups of this size stand on their own: who hangs on one by a single value stays out."""
HUB_TIES = 10
DEALS = 12
"""How often the proofs are dealt out at random."""
MARGIN = 1.25
LOOKS: tuple[tuple[tuple[str, ...], int], ...] = (
    ((), 10_000),
    (("device",), 10_000),
    (("device", "phone"), 10_000),
    ((), 45),
    ((), 14),
)
"""Each look leaves out some kinds, and ties between accounts born so many days apart: what changes
hands most makes the largest lumps, and whoever buys a used device is as old as anybody."""
SEED = 20_260
"""The same evidence gives the same answer."""


@dataclass(frozen=True, slots=True)
class _Ties:
    """Units (accounts, or small groups) that have a value in common, pair by pair."""

    left: Ints
    right: Ints
    units: int

    def among(self, units: Bools) -> "_Ties":
        both = units[self.left] & units[self.right]
        return _Ties(self.left[both], self.right[both], self.units)

    def hubs(self) -> Bools:
        """Units tied to more others than honest people are: a proof is no excuse for them."""
        count = np.bincount(self.left, minlength=self.units) + np.bincount(self.right, minlength=self.units)
        return count >= HUB_TIES

    def present(self) -> Bools:
        found = np.zeros(self.units, dtype=bool)
        found[self.left] = True
        found[self.right] = True
        return found


def find_suspected(evidence: Evidence, group: Ints, barred: Bools) -> Ints:
    """The groups with those of suspected accounts added; small groups may become part of one.

    ``group`` is -1 for accounts in none. Cost: O(ties) for each of some sixty rounds.
    """
    unit, sizes = _units(group)
    vouched = np.bincount(unit, weights=evidence.proofs > 0, minlength=len(sizes))
    proven = vouched > MOST_PROVEN * sizes
    alone = sizes < LEAST_CLUSTER
    thin = thin_values(evidence)
    found = np.arange(len(sizes))
    for kinds, days in LOOKS:
        spared = np.isin(evidence.kinds, [KIND_NUMBER[kind] for kind in kinds])
        edge = np.flatnonzero((thin & ~spared)[evidence.value] & ~barred[evidence.account])
        ties = _ties(evidence, edge, unit, len(sizes), days).among(alone)
        lumps = _lumps_beyond_chance(ties, proven & ~ties.hubs())
        found = roots(len(sizes), *_joined(found, lumps))
    return _as_groups(group, unit, found)


def thin_values(evidence: Evidence) -> Bools:
    """Values that few hold, and that belong to no organisation."""
    return evidence.links() & (evidence.holders <= MOST_HOLDERS) & (owners(evidence) < 0)


def _units(group: Ints) -> tuple[Ints, Ints]:
    first_free = int(group.max(initial=-1)) + 1
    unit = np.where(group >= 0, group, np.arange(len(group)) + first_free)
    return unit, np.bincount(unit, minlength=first_free + len(group))


def _ties(evidence: Evidence, edge: Ints, unit: Ints, units: int, days: int) -> _Ties:
    value, holder = evidence.value[edge], evidence.account[edge]
    lefts, rights = [], []
    # A value has few holders: each pair of them lies at most so far apart.
    for distance in range(1, MOST_HOLDERS):
        same = np.flatnonzero(value[distance:] == value[:-distance])
        lefts.append(holder[same])
        rights.append(holder[same + distance])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    near = np.abs(evidence.born[left] - evidence.born[right]) <= days * 86_400
    left, right = unit[left[near]], unit[right[near]]
    apart = left != right
    return _Ties(left[apart], right[apart], units)


def _lumps_beyond_chance(ties: _Ties, proven: Bools) -> Ints:
    """For each unit the least unit of its lump, where that is larger than chance makes any."""
    lump = _lumps(ties.among(~proven))
    sizes = np.bincount(lump)[lump]
    # What is large already does not tell what chance makes of the rest.
    chance = _largest_by_chance(ties.among(sizes < LEAST_UNITS), proven)
    large = sizes >= max(LEAST_UNITS, math.ceil(MARGIN * chance))
    return np.where(large, lump, np.arange(len(lump)))


def _largest_by_chance(ties: _Ties, proven: Bools) -> int:
    present = np.flatnonzero(ties.present())
    if not len(present):
        return 0
    generator = np.random.default_rng(SEED)
    largest = 0
    for _ in range(DEALS):
        dealt = np.zeros(len(proven), dtype=bool)
        dealt[present] = ~generator.permutation(proven[present])
        largest = max(largest, int(np.bincount(_lumps(ties.among(dealt))).max()))
    return largest


def _lumps(ties: _Ties) -> Ints:
    return roots(ties.units, ties.left, ties.right)


def _joined(found: Ints, lumps: Ints) -> tuple[Ints, Ints]:
    everyone = np.arange(len(found))
    return np.concatenate([everyone, everyone]), np.concatenate([found, lumps])


def _as_groups(group: Ints, unit: Ints, found: Ints) -> Ints:
    """Numbers for the groups; a lump that holds groups goes by the least of their numbers."""
    first_free = int(group.max(initial=-1)) + 1
    root = found[unit]
    sizes = np.bincount(root, minlength=len(found))
    several = (sizes[root] > 1) & (root >= first_free)
    numbers = np.full(len(found), -1)
    fresh = np.unique(root[several])
    numbers[fresh] = first_free + np.arange(len(fresh))
    numbers[:first_free] = np.arange(first_free)
    return numbers[root]
