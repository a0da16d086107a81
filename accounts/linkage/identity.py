"""Which new cluster is which old one: by overlap, the largest keeps the id. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Matching:
    """How new groups, by position, continue old clusters."""

    keeps: Mapping[int, str]
    """The old id a group goes on under."""
    split_from: Mapping[int, str]
    """The old cluster most members of a *new* cluster come from."""
    merged_into: Mapping[str, int]
    """Where most members of an *ended* cluster went."""


def match(old: Mapping[str, Set[str]], new: Sequence[Set[str]]) -> Matching:
    """Match by overlap, largest first; equal overlaps by id, so that any two runs agree."""
    overlaps = _overlaps(old, new)
    ranked = sorted(overlaps, key=lambda pair: (-overlaps[pair], pair[0], min(new[pair[1]])))
    keeps: dict[int, str] = {}
    split_from: dict[int, str] = {}
    merged_into: dict[str, int] = {}
    for before, after in ranked:
        if after not in keeps and before not in keeps.values():
            keeps[after] = before
    kept = set(keeps.values())
    for before, after in ranked:
        if after not in keeps:
            split_from.setdefault(after, before)
        if before not in kept:
            merged_into.setdefault(before, after)
    return Matching(keeps, split_from, merged_into)


def _overlaps(old: Mapping[str, Set[str]], new: Sequence[Set[str]]) -> dict[tuple[str, int], int]:
    group_of = {account: number for number, group in enumerate(new) for account in group}
    counts: dict[tuple[str, int], int] = defaultdict(int)
    for cluster_id, members in old.items():
        for account in members & group_of.keys():
            counts[cluster_id, group_of[account]] += 1
    return counts
