"""The obvious ways, for comparison: union of all that share a signal, and weights of pairs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from math import log2

from accounts.linkage.weigh import CAPS, WEIGHTS

CAP = 10
LEAST_BITS = 9.0


def union_find(lines: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Whoever shares a value that at most ten hold is one."""
    root: dict[str, str] = {}
    for holders in _shared(lines).values():
        if len(holders) <= CAP:
            _unite(root, holders)
    return {account: _find(root, account) for account in root}


def pair_weights(lines: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Whoever shares values worth nine bits in all, the rarer the more, is one."""
    bits: dict[tuple[str, str], float] = defaultdict(float)
    for (kind, _), holders in _shared(lines).items():
        if len(holders) <= CAPS[kind]:
            weight = WEIGHTS[kind].base - WEIGHTS[kind].loss * log2(len(holders) - 1)
            for pair in combinations(sorted(holders), 2):
                bits[pair] += max(0.0, weight)
    root: dict[str, str] = {}
    for pair, weight in bits.items():
        if weight >= LEAST_BITS:
            _unite(root, pair)
    return {account: _find(root, account) for account in root}


def _shared(lines: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], set[str]]:
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in lines:
        if line["kind"] in CAPS:
            holders[line["kind"], line["value"]].add(line["account"])
    return {value: found for value, found in holders.items() if len(found) > 1}


def _unite(root: dict[str, str], accounts: Iterable[str]) -> None:
    first, *others = (_find(root, account) for account in accounts)
    for other in others:
        root[_find(root, other)] = _find(root, first)


def _find(root: dict[str, str], account: str) -> str:
    root.setdefault(account, account)
    while root[account] != account:
        root[account] = root[root[account]]
        account = root[account]
    return account
