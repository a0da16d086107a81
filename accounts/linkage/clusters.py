"""Reads clusters: who is in, why, and who stands beside. Writes nothing.

What is told of a value is its kind, how many hold it and the first 8 digits of its keyed
hash: enough to compare two reasons, never enough to learn the value.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.linkage.columns import Value
from accounts.linkage.evidence import counts_of, holders_of, values_of
from accounts.linkage.models import AccountCluster, Cluster, ClusterLink
from accounts.linkage.weigh import bits, is_evidence, say_candidate, say_hub, say_shared

MAX_CANDIDATES = 200
"""The page shows no more; a person reads no more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One value that a member shares with other members."""

    kind: str
    words: str
    holders: int
    """Accounts of the whole environment that were seen with the value."""
    tag: str
    """First 8 hexadecimal digits of the keyed hash."""
    bits: float
    with_accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account beside a cluster: it shares something, which is not enough."""

    account_id: str
    kinds: tuple[str, ...]
    """One entry for each value it shares."""
    through: tuple[str, ...]
    """The members it shares with."""
    words: str
    """Why it is not in."""
    cluster_id: str | None
    """The cluster it belongs to instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account stands."""

    cluster_id: str
    grade: str
    size: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A value an account was seen with, and whether it says anything."""

    kind: str
    tag: str
    holders: int
    evidence: bool
    words: str


def cluster_of(account_id: str, environment: str) -> str | None:
    """The id of the cluster the account is in now."""
    return (
        AccountCluster.objects.filter(account_id=account_id, environment=environment)
        .values_list("cluster_id", flat=True)
        .first()
    )


def places_of(accounts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Place]:
    """The clusters of many (account id, environment); those without one are left out."""
    wanted = set(accounts)
    rows = AccountCluster.objects.filter(
        account_id__in={account for account, _ in wanted}, cluster__isnull=False
    ).select_related("cluster")
    return {
        (row.account_id, row.environment): Place(row.cluster.pk, row.cluster.grade, row.cluster.size)
        for row in rows
        if row.cluster is not None and (row.account_id, row.environment) in wanted
    }


def members_of(cluster_id: str) -> list[str]:
    """Ids of the accounts in a cluster, sorted."""
    return list(
        AccountCluster.objects.filter(cluster_id=cluster_id)
        .order_by("account_id")
        .values_list("account_id", flat=True)
    )


def reasons_of(cluster_id: str) -> dict[str, list[Reason]]:
    """Why each member is in, strongest reason first. Two queries, whatever the size."""
    holders: dict[Value, list[str]] = defaultdict(list)
    links = list(ClusterLink.objects.filter(cluster_id=cluster_id).order_by("account_id"))
    for link in links:
        holders[Value(link.kind, bytes(link.value_hash))].append(link.account_id)
    reasons: dict[str, list[Reason]] = {account: [] for account in members_of(cluster_id)}
    for link in links:
        value = Value(link.kind, bytes(link.value_hash))
        others = tuple(one for one in holders[value] if one != link.account_id)
        reasons.setdefault(link.account_id, []).append(
            Reason(
                kind=link.kind,
                words=say_shared(link.kind, link.holders, others),
                holders=link.holders,
                tag=value.tag,
                bits=link.bits,
                with_accounts=others,
            )
        )
    for found in reasons.values():
        found.sort(key=lambda reason: (-reason.bits, reason.kind, reason.tag))
    return reasons


def neighbours_of(cluster_id: str) -> list[Candidate]:
    """Accounts that share evidence with a member and are not members: shown beside, never acted on."""
    environment = Cluster.objects.values_list("environment", flat=True).get(pk=cluster_id)
    members = set(members_of(cluster_id))
    shared: dict[str, list[tuple[Value, list[str]]]] = defaultdict(list)
    for value, accounts in holders_of(environment, values_of(environment, members)).items():
        if not is_evidence(value.kind, len(accounts)):
            continue
        inside = sorted(members.intersection(accounts))
        for outsider in set(accounts) - members:
            shared[outsider].append((value, inside))
    nearest = sorted(shared, key=lambda one: (-_weight(shared[one]), one))[:MAX_CANDIDATES]
    return _candidates(nearest, shared, environment)


def hubs_of(account_id: str, environment: str) -> list[Seen]:
    """What an account shares with so many, or of such a kind, that it says nothing. Two queries."""
    values = values_of(environment, [account_id], every_kind=True)
    counts = counts_of(environment, values)
    found = [
        Seen(value.kind, value.tag, counts[value], False, say_hub(value.kind, counts[value]))
        for value in values
        if counts[value] > 1 and not is_evidence(value.kind, counts[value])
    ]
    return sorted(found, key=lambda one: (one.kind, one.tag))


def seen_of(account_id: str, environment: str) -> list[Seen]:
    """What an account was seen with, as far as others have it too; evidence first."""
    values = values_of(environment, [account_id], every_kind=True)
    counts = counts_of(environment, values)
    evidence = [value for value in values if is_evidence(value.kind, counts[value])]
    found = [
        Seen(value.kind, value.tag, counts[value], False, say_hub(value.kind, counts[value]))
        for value in values.difference(evidence)
        if counts[value] > 1
    ]
    for value, accounts in holders_of(environment, evidence).items():
        others = [one for one in accounts if one != account_id]
        words = say_shared(value.kind, len(accounts), others)
        found.append(Seen(value.kind, value.tag, len(accounts), True, words))
    return sorted(found, key=lambda one: (not one.evidence, one.kind, one.tag))


def _weight(shared: list[tuple[Value, list[str]]]) -> float:
    return sum(bits(value.kind, len(inside) + 1) for value, inside in shared)


def _candidates(
    outsiders: list[str], shared: dict[str, list[tuple[Value, list[str]]]], environment: str
) -> list[Candidate]:
    places = places_of([(one, environment) for one in outsiders])
    found = []
    for one in outsiders:
        kinds = tuple(sorted(value.kind for value, _ in shared[one]))
        through = tuple(sorted({member for _, inside in shared[one] for member in inside}))
        place = places.get((one, environment))
        found.append(
            Candidate(
                account_id=one,
                kinds=kinds,
                through=through,
                words=say_candidate(kinds, through),
                cluster_id=place.cluster_id if place else None,
            )
        )
    return found
