"""Two ways between two accounts that share nothing on the way: why they are one. Pure."""

from collections import deque
from collections.abc import Collection, Hashable, Iterator, Mapping
from itertools import pairwise

# Each vertex is split in two, joined by an arc that only one path may take.
_IN, _OUT = 0, 1

type Half[N: Hashable] = tuple[N, int]
type Flow[N: Hashable] = set[tuple[Half[N], Half[N]]]


def disjoint_paths[N: Hashable](
    graph: Mapping[N, Collection[N]], start: N, end: N, *, most: int = 2
) -> list[list[N]]:
    """Up to ``most`` paths from ``start`` to ``end`` that share no vertex between, shortest first.

    Augmenting walks over unit capacities: O(most * edges).
    """
    flow: Flow[N] = set()
    for _ in range(most):
        walk = _find_walk(graph, start, end, flow)
        if walk is None:
            break
        for here, there in pairwise(walk):
            if (there, here) in flow:
                flow.remove((there, here))
            else:
                flow.add((here, there))
    return sorted(_follow(flow, start, end), key=len)


def _find_walk[N: Hashable](
    graph: Mapping[N, Collection[N]], start: N, end: N, flow: Flow[N]
) -> list[Half[N]] | None:
    source, target = (start, _OUT), (end, _IN)
    came: dict[Half[N], Half[N] | None] = {source: None}
    waiting = deque([source])
    while waiting and target not in came:
        half = waiting.popleft()
        for after in _residual(graph, half, flow):
            if after not in came:
                came[after] = half
                waiting.append(after)
    if target not in came:
        return None
    walk: list[Half[N]] = []
    at: Half[N] | None = target
    while at is not None:
        walk.append(at)
        at = came[at]
    return walk[::-1]


def _residual[N: Hashable](
    graph: Mapping[N, Collection[N]], half: Half[N], flow: Flow[N]
) -> Iterator[Half[N]]:
    """Where one more unit could go: over free arcs, or back over one that is taken."""
    vertex, side = half
    twin = (vertex, 1 - side)
    if side == _IN:
        if (half, twin) not in flow:
            yield twin
        yield from ((other, _OUT) for other in graph[vertex] if ((other, _OUT), half) in flow)
    else:
        if (twin, half) in flow:
            yield twin
        yield from ((other, _IN) for other in graph[vertex] if (half, (other, _IN)) not in flow)


def _follow[N: Hashable](flow: Flow[N], start: N, end: N) -> Iterator[list[N]]:
    onward = {here[0]: there[0] for here, there in flow if here[1] == _OUT and here[0] != start}
    for here, there in flow:
        if here == (start, _OUT):
            path = [start, there[0]]
            while path[-1] != end:
                path.append(onward[path[-1]])
            yield path
