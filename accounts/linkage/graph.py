"""Which accounts hold together by two independent paths (LINKAGE sections 2.2 and 2.3).

Accounts and values are the two sides of a graph. Accounts belong together where no single
account and no single value holds them together: where they lie in one biconnected block
with two accounts and two values. An equal identity document joins two accounts by itself.
A value that mostly one organisation uses hangs on its members' vertices *for* that
organisation, so that a freelancer in two companies welds nothing.

Same input, same answer: nothing depends on the order in which anything was seen, and what
lies elsewhere changes nothing here.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rustworkx

from accounts.linkage.columns import KIND_NUMBER, Bools, Evidence, Ints
from accounts.linkage.weigh import DOCUMENT, DOMAIN

MOST_PEELS = 64
"""Rounds of dropping what hangs on one edge, before the search for blocks takes what is left."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Groups of accounts, as numbers, and the edges that hold each together."""

    group: Ints
    """For each account its group, or -1."""
    organisation: Bools
    """For each group, whether what is shared belongs to an organisation that its members declare."""
    edge: Ints
    """Places of the edges by which a group is held together."""

    def sizes(self) -> Ints:
        return np.bincount(self.group[self.group >= 0], minlength=len(self.organisation))


@dataclass(frozen=True, slots=True)
class _Block:
    persons: list[int]
    values: list[int]
    organisation: bool


def find_blocks(evidence: Evidence, without: Bools | None = None) -> Blocks:
    """Group accounts by the blocks of their evidence; accounts in ``without`` are left out.

    An account in several blocks goes to the largest, personal before organisation. Groups are
    numbered from the largest. Cost: O(accounts + values + signals).
    """
    used = evidence.links()[evidence.value]
    if without is not None:
        used &= ~without[evidence.account]
    edge = np.flatnonzero(used)
    person = _persons(evidence, edge)
    sizes = np.bincount(person, minlength=len(evidence.accounts))
    blocks = list(_blocks(evidence, edge, person))
    blocks += [_Block([int(one)], [], False) for one in np.flatnonzero(sizes > 1)]
    blocks.sort(
        key=lambda block: (
            block.organisation,
            -sum(int(sizes[one]) for one in block.persons),
            block.persons,
            block.values,
        )
    )
    return _choose(evidence, edge, person, blocks)


def owners(evidence: Evidence) -> Ints:
    """For each value the domain (a value too) it belongs to, or -1: a domain carried by two and by half."""
    is_domain = evidence.kinds == KIND_NUMBER[DOMAIN]
    owner = np.where(is_domain, np.arange(len(evidence.kinds)), -1)
    declared = is_domain[evidence.value]
    holder, domain = evidence.account[declared], evidence.value[declared]
    order = np.argsort(holder, kind="stable")
    holder, domain = holder[order], domain[order]
    ownable = ~is_domain & (evidence.kinds != KIND_NUMBER[DOCUMENT])
    rows = np.flatnonzero(ownable[evidence.value])
    begin = np.searchsorted(holder, evidence.account[rows], "left")
    count = np.searchsorted(holder, evidence.account[rows], "right") - begin
    # One pair (value, domain) for each holder and each domain it carries.
    value = np.repeat(evidence.value[rows], count)
    within = np.arange(len(value)) - np.repeat(np.cumsum(count) - count, count)
    carried = domain[np.repeat(begin, count) + within]
    keys, votes = np.unique(value * max(1, len(owner)) + carried, return_counts=True)
    value, carried = keys // max(1, len(owner)), keys % max(1, len(owner))
    order = np.lexsort((carried, -votes, value))
    value, carried, votes = value[order], carried[order], votes[order]
    best = np.ones(len(value), dtype=bool)
    best[1:] = value[1:] != value[:-1]
    best &= (votes >= 2) & (2 * votes >= evidence.holders[value])
    owner[value[best]] = carried[best]
    return owner


def roots(count: int, left: Ints, right: Ints) -> Ints:
    """For each of ``count`` vertices the least vertex that it hangs together with over the edges."""
    root = np.arange(count)
    while True:
        before = root.copy()
        least = np.minimum(root[left], root[right])
        np.minimum.at(root, root[left], least)
        np.minimum.at(root, root[right], least)
        root = root[root]
        if np.array_equal(root, before):
            return root


def _persons(evidence: Evidence, edge: Ints) -> Ints:
    """Each account's person: the first account of those that share a document with it."""
    papers = edge[evidence.kinds[evidence.value[edge]] == KIND_NUMBER[DOCUMENT]]
    value, holder = evidence.value[papers], evidence.account[papers]
    same = np.flatnonzero(value[1:] == value[:-1])
    return roots(len(evidence.accounts), holder[same], holder[same + 1])


def _carries(evidence: Evidence, edge: Ints) -> Ints:
    """For each edge the domain that its value belongs to, where its account carries it; else -1."""
    owner = owners(evidence)[evidence.value[edge]]
    width = len(evidence.kinds) + 1
    declared = evidence.kinds[evidence.value] == KIND_NUMBER[DOMAIN]
    carried = evidence.account[declared] * width + evidence.value[declared]
    return np.where(np.isin(evidence.account[edge] * width + owner, carried) & (owner >= 0), owner, -1)


def _blocks(evidence: Evidence, edge: Ints, person: Ints) -> Iterator[_Block]:
    width = len(evidence.kinds) + 1
    domain = _carries(evidence, edge)
    names, vertex = np.unique(person[evidence.account[edge]] * width + domain + 1, return_inverse=True)
    pairs = np.unique(vertex * width + evidence.value[edge])
    vertex, value = _peel(pairs // width, pairs % width)
    if not len(vertex):
        return
    inside, left = np.unique(vertex, return_inverse=True)
    values, right = np.unique(value, return_inverse=True)
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(len(inside) + len(values)))
    graph.add_edges_from_no_data(list(zip(left.tolist(), (right + len(inside)).tolist(), strict=True)))
    members: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for ends, number in rustworkx.biconnected_components(graph).items():
        members[number].append((min(ends), max(ends) - len(inside)))
    for found in members.values():
        # Two accounts and two values that hold each other together have four edges.
        if len(found) >= 4:
            accounts = names[inside[sorted({one for one, _ in found})]]
            persons = sorted({int(one) for one in accounts // width})
            declared = int(np.count_nonzero(accounts % width))
            block = _Block(
                persons, sorted({int(values[two]) for _, two in found}), 2 * declared >= len(accounts)
            )
            if len(persons) > 1:
                yield block


def _peel(vertex: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Drop what hangs on a single edge, over and over: no cycle goes through it."""
    for _ in range(MOST_PEELS):
        keep = (np.bincount(vertex)[vertex] > 1) & (np.bincount(value)[value] > 1)
        if keep.all():
            break
        vertex, value = vertex[keep], value[keep]
        if not len(vertex):
            break
    return vertex, value


def _choose(evidence: Evidence, edge: Ints, person: Ints, blocks: list[_Block]) -> Blocks:
    """Each person goes to its best block, and a block is what is left of it."""
    group_of_person = np.full(len(evidence.accounts), -1)
    organisation: list[bool] = []
    held: list[int] = []
    groups: list[int] = []
    sizes = np.bincount(person, minlength=len(evidence.accounts))
    for block in blocks:
        persons = [one for one in block.persons if group_of_person[one] < 0]
        if sum(int(sizes[one]) for one in persons) < 2:
            group_of_person[persons] = len(evidence.accounts)
            continue
        group_of_person[persons] = len(organisation)
        held += block.values
        groups += [len(organisation)] * len(block.values)
        organisation.append(block.organisation)
    group_of_person[group_of_person == len(evidence.accounts)] = -1
    return _tied(evidence, edge, group_of_person[person], organisation, held, groups)


def _tied(
    evidence: Evidence, edge: Ints, group: Ints, organisation: list[bool], held: list[int], groups: list[int]
) -> Blocks:
    """The edges of each group's values, and of its documents, that two of its members share."""
    width = len(evidence.kinds) + 1
    mine = edge[group[evidence.account[edge]] >= 0]
    key = group[evidence.account[mine]] * width + evidence.value[mine]
    wanted = np.array(groups, dtype=np.int64) * width + np.array(held, dtype=np.int64)
    tied = np.isin(key, wanted) | (evidence.kinds[evidence.value[mine]] == KIND_NUMBER[DOCUMENT])
    mine, key = mine[tied], key[tied]
    _, place, count = np.unique(key, return_inverse=True, return_counts=True)
    return Blocks(group, np.array(organisation, dtype=bool), mine[count[place] > 1])
