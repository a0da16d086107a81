"""Why two accounts are one actor, or why they are not: paths of shared values, never a value."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accounts.linkage.clusters import members_of, places_of
from accounts.linkage.columns import Value
from accounts.linkage.evidence import read_area
from accounts.linkage.models import AccountCluster, Cluster, ClusterLink
from accounts.linkage.paths import disjoint_paths
from accounts.linkage.weigh import SAY_IN_STEP, bits, say_candidate, say_hanging, say_joined, say_ways

type Node = str | Value

FORMAT_GRADES = {"suspected": "synchronous"}
"""The format knows four grades; what a suspected cluster may lead to is what a synchronous one may."""
MOST_SEARCHED = 500
"""Accounts around the first one that are searched for ways to the other."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one account to another over a value that both have."""

    start: str
    kind: str
    holders: int
    bits: float
    end: str


@dataclass(frozen=True, slots=True)
class Explanation:
    a: str
    b: str
    cluster: str
    """Empty where they are in no cluster together."""
    grade: str
    bits: float
    """The sum over the paths, each as strong as its weakest step."""
    paths: tuple[tuple[Step, ...], ...]
    words: str

    def as_json(self) -> dict[str, object]:
        """The form of LINKAGE section 4."""
        return {
            "a": self.a,
            "b": self.b,
            "cluster": self.cluster,
            "grade": FORMAT_GRADES.get(self.grade, self.grade),
            "bits": round(self.bits, 2),
            "paths": [[_step_json(step) for step in path] for path in self.paths],
        }


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A cluster with what ties its members."""

    id: str
    grade: str
    basis: dict[str, str]
    graph: dict[Node, set[Node]]
    ties: dict[tuple[str, Value], tuple[int, float]]
    """Holders and bits of each account's value."""


def explain(a: str, b: str, environment: str) -> Explanation:
    """What holds two accounts together. ``grade`` is ``none`` where nothing leads from one to the other."""
    places = places_of([(a, environment), (b, environment)])
    here, there = places.get((a, environment)), places.get((b, environment))
    if here is not None and there is not None and here.cluster_id == there.cluster_id:
        return _explain_member(a, b, _read(here.cluster_id))
    return _explain_outsider(a, b, environment)


def explain_cluster(cluster_id: str) -> Iterator[Explanation]:
    """The first member with each of the others."""
    first, *others = members_of(cluster_id)
    cluster = _read(cluster_id)
    for other in others:
        yield _explain_member(first, other, cluster)


def _read(cluster_id: str) -> _Cluster:
    graph: dict[Node, set[Node]] = defaultdict(set)
    ties: dict[tuple[str, Value], tuple[int, float]] = {}
    for link in ClusterLink.objects.filter(cluster_id=cluster_id).order_by("pk"):
        value = Value(link.kind, bytes(link.value_hash))
        ties[link.account_id, value] = link.holders, link.bits
        graph[link.account_id].add(value)
        graph[value].add(link.account_id)
    grade = Cluster.objects.values_list("grade", flat=True).get(pk=cluster_id)
    places = AccountCluster.objects.filter(cluster_id=cluster_id).values_list("account_id", "basis")
    return _Cluster(cluster_id, grade, dict(places), graph, ties)


def _explain_member(a: str, b: str, cluster: _Cluster) -> Explanation:
    """Two ways that share nothing; or, for who joined by several kinds of evidence, each of them."""
    joined = [one for one in (a, b) if cluster.basis.get(one) == AccountCluster.Basis.ATTACHED]
    if joined and a != b:
        return _explain_joined(a, b, joined, cluster)
    paths = _paths(cluster.graph, a, b, cluster.ties)
    strength = sum(min(step.bits for step in path) for path in paths)
    in_step = AccountCluster.Basis.IN_STEP in (cluster.basis.get(a), cluster.basis.get(b))
    words = SAY_IN_STEP if in_step else say_ways(len(paths))
    return Explanation(a, b, cluster.id, cluster.grade, strength, paths, words)


def _explain_joined(a: str, b: str, joined: list[str], cluster: _Cluster) -> Explanation:
    """The ways by what somebody joined with; the strength is the sum of the weaker of the two."""
    by = [list(_joined_by(one, b if one == a else a, cluster)) for one in joined]
    paths = _paths(cluster.graph, a, b, cluster.ties, most=max(2, *map(len, by)))
    strength = min(sum(step.bits for step in steps) for steps in by)
    words = say_joined(joined, strength)
    return Explanation(
        a, b, cluster.id, cluster.grade, strength, paths or tuple((step,) for step in by[0]), words
    )


def _paths(
    graph: Mapping[Node, set[Node]],
    a: str,
    b: str,
    ties: Mapping[tuple[str, Value], tuple[int, float]],
    *,
    most: int = 2,
) -> tuple[tuple[Step, ...], ...]:
    if a == b or a not in graph or b not in graph:
        return ()
    return tuple(tuple(_steps(path, ties)) for path in disjoint_paths(graph, a, b, most=most))


def _joined_by(newcomer: str, wanted: str, cluster: _Cluster) -> Iterator[Step]:
    """One step for each value by which somebody joined, to the wanted member where that has it too."""
    for node in sorted(cluster.graph.get(newcomer, ()), key=str):
        if isinstance(node, Value):
            others = sorted(str(one) for one in cluster.graph[node] if one != newcomer)
            holders, worth = cluster.ties[newcomer, node]
            if others:
                end = wanted if wanted in others else others[0]
                yield Step(newcomer, node.kind, holders, worth, end)


def _steps(path: list[Node], ties: Mapping[tuple[str, Value], tuple[int, float]]) -> Iterator[Step]:
    for start, value, end in zip(path[::2], path[1::2], path[2::2], strict=False):
        if isinstance(value, Value) and isinstance(start, str) and isinstance(end, str):
            holders, worth = ties[start, value]
            yield Step(start, value.kind, holders, worth, end)


def _explain_outsider(a: str, b: str, environment: str) -> Explanation:
    """Two accounts that are not together: the ways there are, and what they all go through."""
    area = read_area(environment, [a], most=MOST_SEARCHED)
    graph: dict[Node, set[Node]] = defaultdict(set)
    ties: dict[tuple[str, Value], tuple[int, float]] = {}
    evidence = area.evidence
    for edge in evidence.links()[evidence.value].nonzero()[0].tolist():
        account, value = evidence.accounts[evidence.account[edge]], evidence.name(int(evidence.value[edge]))
        holders = int(evidence.holders[evidence.value[edge]])
        ties[account, value] = holders, bits(value.kind, holders)
        graph[account].add(value)
        graph[value].add(account)
    paths = _paths(graph, a, b, ties)
    if not paths:
        return Explanation(a, b, "", "none", 0.0, (), "They share nothing that is evidence.")
    strength = sum(min(step.bits for step in path) for path in paths)
    return Explanation(a, b, "", "candidate", strength, paths, _why_not(paths))


def _why_not(paths: tuple[tuple[Step, ...], ...]) -> str:
    if len(paths) == 1 and len(paths[0]) > 1:
        return say_hanging(paths[0][0].end)
    return say_candidate([step.kind for path in paths for step in path[:1]], [path[0].end for path in paths])


def _step_json(step: Step) -> dict[str, object]:
    return {
        "from": step.start,
        "kind": step.kind,
        "holders": step.holders,
        "bits": round(step.bits, 2),
        "to": step.end,
    }


def export_lines(environment: str, *, organisations: bool) -> Iterator[tuple[str, str]]:
    """Each clustered account and its cluster, sorted by cluster."""
    for cluster_id in exported(environment, organisations=organisations):
        yield from ((account, cluster_id) for account in members_of(cluster_id))


def exported(environment: str, *, organisations: bool) -> Iterable[str]:
    """Ids of the clusters that an export names: of two or more, and not merely candidates."""
    grades = [Cluster.Grade.LINKED, Cluster.Grade.SYNCHRONOUS, Cluster.Grade.SUSPECTED]
    if organisations:
        grades.append(Cluster.Grade.ORGANISATION)
    rows = Cluster.objects.filter(environment=environment, ended_at=None, grade__in=grades, size__gte=2)
    return rows.order_by("pk").values_list("pk", flat=True)
