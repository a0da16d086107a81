"""Why two accounts are one actor, or why they are not: paths of shared values, never a value."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.linkage.clusters import members_of, places_of
from accounts.linkage.columns import Value
from accounts.linkage.evidence import holders_of, values_of
from accounts.linkage.models import Cluster, ClusterLink
from accounts.linkage.paths import disjoint_paths
from accounts.linkage.weigh import bits, is_evidence, say_candidate

type Node = str | Value


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
            "grade": self.grade,
            "bits": round(self.bits, 2),
            "paths": [[_step_json(step) for step in path] for path in self.paths],
            "words": self.words,
        }


def explain(a: str, b: str, environment: str) -> Explanation:
    """What holds two accounts together. ``grade`` is ``none`` where they share nothing."""
    places = places_of([(a, environment), (b, environment)])
    here, there = places.get((a, environment)), places.get((b, environment))
    if here is not None and there is not None and here.cluster_id == there.cluster_id:
        return _explain_member(a, b, here.cluster_id, here.grade, *_links_of(here.cluster_id))
    return _explain_outsider(a, b, environment)


def explain_cluster(cluster_id: str) -> Iterator[Explanation]:
    """The first member with each of the others."""
    first, *others = members_of(cluster_id)
    grade = Cluster.objects.values_list("grade", flat=True).get(pk=cluster_id)
    graph, holders = _links_of(cluster_id)
    for other in others:
        yield _explain_member(first, other, cluster_id, grade, graph, holders)


def _links_of(cluster_id: str) -> tuple[dict[Node, set[Node]], dict[Value, int]]:
    graph: dict[Node, set[Node]] = defaultdict(set)
    holders: dict[Value, int] = {}
    for link in ClusterLink.objects.filter(cluster_id=cluster_id).order_by("pk"):
        value = Value(link.kind, bytes(link.value_hash))
        holders[value] = link.holders
        graph[link.account_id].add(value)
        graph[value].add(link.account_id)
    return graph, holders


def _explain_member(
    a: str, b: str, cluster_id: str, grade: str, graph: dict[Node, set[Node]], holders: dict[Value, int]
) -> Explanation:
    found = disjoint_paths(graph, a, b) if a in graph and b in graph and a != b else []
    paths = tuple(tuple(_steps(path, holders)) for path in found)
    strength = sum(min(step.bits for step in path) for path in paths)
    words = f"{len(paths)} independent ways lead from one to the other."
    if len(paths) < 2:
        words = "Held together by an equal identity document, or by a group that has both."
    return Explanation(a, b, cluster_id, grade, strength, paths, words)


def _steps(path: list[Node], holders: dict[Value, int]) -> Iterator[Step]:
    for start, value, end in zip(path[::2], path[1::2], path[2::2], strict=False):
        if isinstance(value, Value) and isinstance(start, str) and isinstance(end, str):
            yield Step(start, value.kind, holders[value], bits(value.kind, holders[value]), end)


def _explain_outsider(a: str, b: str, environment: str) -> Explanation:
    """Two accounts that are not together: what they share directly, and why that is not enough."""
    common = values_of(environment, [a]) & values_of(environment, [b])
    held = {
        value: len(who)
        for value, who in holders_of(environment, common).items()
        if is_evidence(value.kind, len(who))
    }
    paths = tuple(
        (Step(a, value.kind, number, bits(value.kind, number), b),) for value, number in sorted(held.items())
    )
    if not paths:
        return Explanation(a, b, "", "none", 0.0, (), "They share nothing that is evidence.")
    words = say_candidate([value.kind for value in sorted(held)], [b])
    return Explanation(a, b, "", "candidate", sum(path[0].bits for path in paths), paths, words)


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
