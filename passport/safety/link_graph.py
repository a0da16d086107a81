"""The link graph of a cluster: condensed to what a person can take in, laid out, no drawing library. Pure.

On the right stand groups of accounts, on the left the values that tie them. Few accounts are
groups of their own; many are gathered by what ties them strongly (LINKAGE section 2.4's firm
kinds), or, where that leaves one lump, by holding the very same values. What is drawn first is
the maximum spanning tree, so that each group shows its strongest tie.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

STRONG = frozenset({"payment_instrument", "government_document", "key_thumbprint", "device", "phone"})
MOST_NODES = 12
"""On each side; the rest is said in words and stands in the tables."""
SWEEPS = 4

WIDTH = 760
ROW = 52
TOP = 30
LEFT, RIGHT = 262, 506
"""Where the edges begin and end, in the drawing's own units, which are pixels."""
FITS = 32
"""Characters of a name in a box."""


class Tie(NamedTuple):
    """A value that ties accounts: its kind and the part of its hash that may be shown."""

    kind: str
    tag: str


@dataclass(frozen=True, slots=True)
class Held:
    """An account holds a value, which is worth so many bits."""

    tie: Tie
    bits: float


@dataclass(frozen=True, slots=True)
class Bundle:
    """Accounts that are drawn as one."""

    accounts: tuple[str, ...]
    bits: Mapping[Tie, float]

    @property
    def size(self) -> int:
        return len(self.accounts)


@dataclass(frozen=True, slots=True)
class Edge:
    bundle: int
    tie: Tie
    bits: float
    accounts: int


@dataclass(frozen=True, slots=True)
class Weakest:
    """The thinnest tie towards the core: look at it first."""

    tie: Tie
    bundle: int
    bits: float
    leaves: int
    """Accounts that would hang on their other ties alone without it."""


@dataclass(frozen=True, slots=True)
class TieNode:
    tie: Tie
    accounts: int
    y: int


@dataclass(frozen=True, slots=True)
class BundleNode:
    bundle: Bundle
    name: str
    """Of its first account, as far as it fits."""
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    width: float
    weak: bool
    weakest: bool
    x: int
    y: int
    """Where its middle is."""


@dataclass(frozen=True, slots=True)
class Drawing:
    ties: Sequence[TieNode]
    bundles: Sequence[BundleNode]
    lines: Sequence[Line]
    weakest: Weakest | None
    weakest_bundle: Bundle | None
    more_ties: int
    more_bundles: int
    height: int
    width: int = WIDTH


WEAK_BITS = 5.0
"""A tie at or below is drawn dashed: it alone would convince nobody."""


def draw(members: Mapping[str, Sequence[Held]], names: Mapping[str, str]) -> Drawing:
    """Condense, choose, order and place. O(signals · log) for any number of accounts."""
    every = condense(members)
    bundles = every[:MOST_NODES]
    edges = edges_of(bundles)
    tree = spanning_tree(edges)
    ties = _choose_ties(edges, tree)
    shown = [edge for edge in edges if edge.tie in ties]
    tie_order, bundle_order = _order(shown, ties, range(len(bundles)))
    rows = max(len(tie_order), len(bundle_order), 1)
    tie_y = _spread(tie_order, rows)
    bundle_y = _spread(bundle_order, rows)
    weakest = find_weakest(tree, bundles)
    holders = Counter(held.tie for found in members.values() for held in found)
    return Drawing(
        ties=[TieNode(tie, holders[tie], tie_y[tie]) for tie in tie_order],
        bundles=[_node(bundles[number], names, bundle_y[number]) for number in bundle_order],
        lines=[_line(edge, tie_y[edge.tie], bundle_y[edge.bundle], weakest) for edge in shown],
        weakest=weakest,
        weakest_bundle=bundles[weakest.bundle] if weakest else None,
        more_ties=len(holders) - len(ties),
        more_bundles=len(every) - len(bundles),
        height=TOP + rows * ROW,
    )


def condense(members: Mapping[str, Sequence[Held]]) -> list[Bundle]:
    """Accounts in bundles, largest first."""
    if len(members) <= MOST_NODES:
        parts: Iterable[Sequence[str]] = [[account] for account in sorted(members)]
    else:
        parts = _by_strong_ties(members)
        if len(parts) < 2:
            parts = _by_equal_ties(members)
    bundles = [_bundle(part, members) for part in parts]
    return sorted(bundles, key=lambda bundle: (-bundle.size, -sum(bundle.bits.values()), bundle.accounts))


def edges_of(bundles: Sequence[Bundle]) -> list[Edge]:
    """One edge for each bundle and value; values that only one bundle holds tie nothing and are left out."""
    holders: dict[Tie, int] = defaultdict(int)
    for bundle in bundles:
        for tie in bundle.bits:
            holders[tie] += 1
    return [
        Edge(number, tie, bits, bundle.size)
        for number, bundle in enumerate(bundles)
        for tie, bits in sorted(bundle.bits.items())
        if holders[tie] > 1
    ]


def spanning_tree(edges: Sequence[Edge]) -> list[Edge]:
    """The maximum spanning forest over values and bundles, strongest first (Kruskal)."""
    root: dict[object, object] = {}

    def find(node: object) -> object:
        while root.setdefault(node, node) != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    tree = []
    for edge in sorted(edges, key=lambda edge: (-edge.bits, edge.tie, edge.bundle)):
        left, right = find(edge.tie), find(edge.bundle)
        if left != right:
            root[left] = right
            tree.append(edge)
    return tree


def find_weakest(tree: Sequence[Edge], bundles: Sequence[Bundle]) -> Weakest | None:
    """The least edge of the tree that parts somebody from the core, which is the first bundle.

    Bundles below 1 % of all are passed over: they would always be the answer.
    """
    least = sum(bundle.size for bundle in bundles) / 100
    found: list[Weakest] = []
    for edge in tree:
        away = _apart(tree, edge)
        leaves = sum(bundles[number].size for number in away)
        if away and leaves >= least:
            found.append(Weakest(edge.tie, edge.bundle, edge.bits, leaves))
    return min(found, key=lambda weakest: (weakest.bits, weakest.leaves, weakest.bundle), default=None)


def _apart(tree: Sequence[Edge], cut: Edge) -> Set[int]:
    """The bundles that the core no longer reaches once one edge of the tree is gone."""
    neighbours: dict[object, list[object]] = defaultdict(list)
    for edge in tree:
        if edge is not cut:
            neighbours[edge.tie].append(edge.bundle)
            neighbours[edge.bundle].append(edge.tie)
    reached: set[object] = {0}
    waiting: list[object] = [0]
    while waiting:
        for other in neighbours[waiting.pop()]:
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return {edge.bundle for edge in tree if edge.bundle not in reached}


def _choose_ties(edges: Sequence[Edge], tree: Sequence[Edge]) -> Set[Tie]:
    chosen: dict[Tie, None] = {}
    for edge in tree:
        if len(chosen) < MOST_NODES:
            chosen[edge.tie] = None
    by_worth = sorted(edges, key=lambda edge: (-edge.bits * math.log2(edge.accounts + 1), edge.tie))
    for edge in by_worth:
        if len(chosen) < MOST_NODES:
            chosen[edge.tie] = None
    return chosen.keys()


def _order(edges: Sequence[Edge], ties: Set[Tie], bundles: Iterable[int]) -> tuple[list[Tie], list[int]]:
    """Each side in the order of the middle of its neighbours, back and forth."""
    left, right = sorted(ties), list(bundles)
    for _ in range(SWEEPS):
        places = {tie: place for place, tie in enumerate(left)}
        right.sort(key=lambda number: _middle([places[e.tie] for e in edges if e.bundle == number]))
        spots = {number: place for place, number in enumerate(right)}
        left.sort(key=lambda tie: _middle([spots[e.bundle] for e in edges if e.tie == tie]))
    return left, right


def _middle(places: Sequence[int]) -> float:
    return sum(places) / len(places) if places else math.inf


def _spread[K](order: Sequence[K], rows: int) -> dict[K, int]:
    """Evenly over the height, the shorter side in the middle."""
    offset = (rows - len(order)) / 2
    return {key: round(TOP + (offset + place) * ROW + ROW / 2 - 8) for place, key in enumerate(order)}


def _node(bundle: Bundle, names: Mapping[str, str], y: int) -> BundleNode:
    name = names.get(bundle.accounts[0], bundle.accounts[0])
    return BundleNode(bundle, name if len(name) <= FITS else f"{name[: FITS - 1]}…", y)


def _line(edge: Edge, left: int, right: int, weakest: Weakest | None) -> Line:
    third = (RIGHT - LEFT) // 2
    is_weakest = weakest is not None and (edge.tie, edge.bundle) == (weakest.tie, weakest.bundle)
    return Line(
        path=f"M{LEFT} {left} C{LEFT + third} {left} {RIGHT - third} {right} {RIGHT} {right}",
        width=round(1.5 + math.log10(edge.accounts) * 1.5, 1),
        weak=edge.bits <= WEAK_BITS,
        weakest=is_weakest,
        x=(LEFT + RIGHT) // 2,
        y=(left + right) // 2,
    )


def _bundle(accounts: Sequence[str], members: Mapping[str, Sequence[Held]]) -> Bundle:
    bits: dict[Tie, float] = {}
    for account in accounts:
        for held in members[account]:
            bits[held.tie] = max(held.bits, bits.get(held.tie, 0.0))
    return Bundle(tuple(sorted(accounts)), bits)


def _by_strong_ties(members: Mapping[str, Sequence[Held]]) -> list[list[str]]:
    """Components over the firm kinds alone."""
    holders: dict[Tie, list[str]] = defaultdict(list)
    for account, found in members.items():
        for held in found:
            if held.tie.kind in STRONG:
                holders[held.tie].append(account)
    left, parts = set(members), []
    while left:
        part, waiting = set(), [min(left)]
        while waiting:
            account = waiting.pop()
            if account not in part:
                part.add(account)
                waiting += [one for held in members[account] for one in holders.pop(held.tie, ())]
        parts.append(sorted(part))
        left -= part
    return parts


def _by_equal_ties(members: Mapping[str, Sequence[Held]]) -> list[list[str]]:
    parts: dict[frozenset[Tie], list[str]] = defaultdict(list)
    for account, found in sorted(members.items()):
        parts[frozenset(held.tie for held in found)].append(account)
    return list(parts.values())
