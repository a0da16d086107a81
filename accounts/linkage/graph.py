"""Which accounts hold together by two independent paths (LINKAGE sections 2.2 and 2.3).

Accounts and values are the two sides of a graph. Accounts belong together where no single
account and no single value holds them together: where they lie in one biconnected block
with two accounts and two values. An equal identity document joins two accounts by itself.
A value that mostly one organisation uses hangs on its members' vertices *for* that
organisation, so that a freelancer in two companies welds nothing.

Same input, same answer: nothing depends on the order in which anything was seen.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import rustworkx

from accounts.linkage.evidence import Value
from accounts.linkage.weigh import DOCUMENT, DOMAIN, is_evidence


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that look like one actor, and the values that say so."""

    accounts: frozenset[str]
    values: frozenset[Value]
    organisation: bool
    """True where what they share belongs to an organisation they declare."""


class _Vertex(NamedTuple):
    """An account (the first of those with one document) in person, or for one organisation."""

    person: str
    domain: bytes | None


@dataclass(frozen=True, slots=True)
class _Block:
    persons: frozenset[str]
    values: frozenset[Value]
    organisation: bool


def find_groups(
    holders: Mapping[Value, Collection[str]], domains: Mapping[str, Collection[bytes]]
) -> list[Group]:
    """Group accounts by the blocks of their evidence.

    ``holders`` gives everybody who was seen with a value; what is no evidence is left out
    here. ``domains`` gives the verified domains of an account. An account in several blocks
    goes to the largest, personal before organisation. Cost: O(accounts + values + signals).
    """
    evidence = {value: who for value, who in holders.items() if is_evidence(value.kind, len(who))}
    persons = _persons(evidence)
    sizes = _sizes(persons)
    blocks = _blocks(evidence, domains, persons)
    blocks += [_Block(frozenset({person}), frozenset(), False) for person, n in sizes.items() if n > 1]
    chosen = _choose(blocks, sizes)
    return _expand(chosen, persons, evidence)


def owner_of(value: Value, who: Collection[str], domains: Mapping[str, Collection[bytes]]) -> bytes | None:
    """The domain that a value belongs to: carried by two and by half of its holders."""
    if value.kind == DOMAIN:
        return value.digest
    if value.kind == DOCUMENT:
        return None
    carried: dict[bytes, int] = defaultdict(int)
    for account in who:
        for domain in domains.get(account, ()):
            carried[domain] += 1
    best = min(carried, key=lambda domain: (-carried[domain], domain), default=None)
    if best is None or carried[best] < 2 or 2 * carried[best] < len(who):
        return None
    return best


def _persons(evidence: Mapping[Value, Collection[str]]) -> dict[str, str]:
    """Each account's person: the first account of those that share a document with it."""
    persons = {account: account for who in evidence.values() for account in who}
    for value, who in evidence.items():
        if value.kind == DOCUMENT:
            first, *others = sorted(_root(persons, account) for account in who)
            for other in others:
                persons[other] = first
    return {account: _root(persons, account) for account in persons}


def _root(persons: dict[str, str], account: str) -> str:
    while persons[account] != account:
        persons[account] = persons[persons[account]]
        account = persons[account]
    return account


def _sizes(persons: Mapping[str, str]) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for person in persons.values():
        sizes[person] += 1
    return sizes


def _blocks(
    evidence: Mapping[Value, Collection[str]],
    domains: Mapping[str, Collection[bytes]],
    persons: Mapping[str, str],
) -> list[_Block]:
    edges = set(_edges(evidence, domains, persons))
    vertices: list[_Vertex | Value] = list(dict.fromkeys(end for edge in edges for end in edge))
    index = {vertex: number for number, vertex in enumerate(vertices)}
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(vertices)
    graph.add_edges_from_no_data([(index[account], index[value]) for account, value in edges])
    members: dict[int, set[_Vertex | Value]] = defaultdict(set)
    for (left, right), number in rustworkx.biconnected_components(graph).items():
        members[number] |= {vertices[left], vertices[right]}
    return [block for found in members.values() if (block := _as_block(found)) is not None]


def _edges(
    evidence: Mapping[Value, Collection[str]],
    domains: Mapping[str, Collection[bytes]],
    persons: Mapping[str, str],
) -> Iterable[tuple[_Vertex, Value]]:
    for value, who in evidence.items():
        owner = owner_of(value, who, domains)
        for account in who:
            carries = owner is not None and owner in domains.get(account, ())
            yield _Vertex(persons[account], owner if carries else None), value


def _as_block(found: set["_Vertex | Value"]) -> _Block | None:
    """None for a single edge: one account and one value hold nothing together."""
    accounts = [vertex for vertex in found if isinstance(vertex, _Vertex)]
    values = frozenset(vertex for vertex in found if isinstance(vertex, Value))
    persons = frozenset(vertex.person for vertex in accounts)
    if len(values) < 2 or len(persons) < 2:
        return None
    declared = sum(vertex.domain is not None for vertex in accounts)
    return _Block(persons, values, organisation=2 * declared >= len(accounts))


def _choose(blocks: list[_Block], sizes: Mapping[str, int]) -> list[_Block]:
    """Each person goes to its best block; the blocks come back with who chose them."""
    ranked = sorted(
        blocks,
        key=lambda block: (
            block.organisation,
            -sum(sizes[person] for person in block.persons),
            sorted(block.persons),
            sorted(block.values),
        ),
    )
    taken: set[str] = set()
    chosen = []
    for block in ranked:
        mine = block.persons - taken
        taken |= mine
        if mine:
            chosen.append(_Block(frozenset(mine), block.values, block.organisation))
    return chosen


def _expand(
    chosen: list[_Block], persons: Mapping[str, str], evidence: Mapping[Value, Collection[str]]
) -> list[Group]:
    """From persons back to accounts, with the values that two of them share."""
    accounts: dict[str, set[str]] = defaultdict(set)
    for account, person in persons.items():
        accounts[person].add(account)
    documents: dict[str, set[Value]] = defaultdict(set)
    for value, who in evidence.items():
        if value.kind == DOCUMENT:
            documents[persons[next(iter(who))]].add(value)
    groups = []
    for block in chosen:
        inside = frozenset(one for person in block.persons for one in accounts[person])
        held = block.values.union(*(documents[person] for person in block.persons))
        shared = frozenset(value for value in held if len(inside.intersection(evidence[value])) > 1)
        if len(inside) > 1:
            groups.append(Group(inside, shared, block.organisation))
    return groups
