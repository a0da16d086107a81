"""Reads signals: who was seen with what, and the neighbourhood of a change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import batched

from django.db.models import Count, Q, QuerySet

from accounts.linkage.columns import Evidence, Sighting, Value, gather
from accounts.linkage.models import AccountCluster, ClusterLink, Pin, Signal
from accounts.linkage.weigh import CAPS, is_evidence

CHUNK = 500
"""Values in one query: below every database's limit of parameters."""


def values_of(environment: str, account_ids: Iterable[str], *, every_kind: bool = False) -> set[Value]:
    """What these accounts were seen with; of the kinds that can be evidence, or of all."""
    found: set[Value] = set()
    for ids in batched(sorted(set(account_ids)), CHUNK):
        rows = Signal.objects.filter(environment=environment, account_id__in=ids)
        if not every_kind:
            rows = rows.filter(kind__in=CAPS)
        found.update(Value(kind, bytes(digest)) for kind, digest in rows.values_list("kind", "value_hash"))
    return found


def holders_of(environment: str, values: Iterable[Value]) -> dict[Value, list[str]]:
    """Everybody who was seen with each of the values, sorted."""
    found: dict[Value, list[str]] = defaultdict(list)
    for value, account in _rows(environment, values):
        found[value].append(account)
    return {value: sorted(accounts) for value, accounts in found.items()}


def counts_of(environment: str, values: Iterable[Value]) -> dict[Value, int]:
    """How many were seen with each of the values; nobody is loaded."""
    found: dict[Value, int] = {}
    for rows, kind in _chunks(environment, values):
        counted = rows.values_list("value_hash").annotate(number=Count("pk")).order_by()
        found.update({Value(kind, bytes(digest)): number for digest, number in counted})
    return found


def _rows(environment: str, values: Iterable[Value]) -> Iterator[tuple[Value, str]]:
    for rows, kind in _chunks(environment, values):
        for digest, account in rows.values_list("value_hash", "account_id"):
            yield Value(kind, bytes(digest)), account


def _chunks(environment: str, values: Iterable[Value]) -> Iterator[tuple["QuerySet[Signal]", str]]:
    by_kind: dict[str, list[bytes]] = defaultdict(list)
    for value in values:
        by_kind[value.kind].append(value.digest)
    for kind, digests in sorted(by_kind.items()):
        for chunk in batched(digests, CHUNK):
            yield Signal.objects.filter(environment=environment, kind=kind, value_hash__in=chunk), kind


@dataclass(frozen=True, slots=True)
class Area:
    """The neighbourhood of a change, or the whole, read from the tables."""

    accounts: AbstractSet[str]
    """Whose place is decided by it."""
    evidence: Evidence
    cut: bool = False
    """True where it grew beyond its bound: what lies outside was not read."""


def read_area(environment: str, seeds: Iterable[str], *, most: int) -> Area:
    """Everybody whose group may depend on the seeds: whom they reach over evidence, and with whom
    they are clustered now (who left must be seen as well).

    Stops at ``most`` accounts, nearest first. A few queries for each step outwards. Of a value
    that too many hold only the number of its holders is read.
    """
    accounts: set[str] = set()
    sightings: list[Sighting] = []
    counts: dict[Value, int] = {}
    cut = False
    frontier = sorted(set(seeds))
    while frontier:
        room = most - len(accounts)
        cut = cut or len(frontier) > room
        frontier = frontier[:room]
        accounts.update(frontier)
        seen = sightings_of(environment, frontier)
        sightings += seen
        fresh = counts_of(environment, {one.value for one in seen} - counts.keys())
        counts.update(fresh)
        reached = _reached(environment, frontier, fresh) - accounts
        frontier = sorted(reached) if room > len(frontier) else []
        cut = cut or bool(reached and not frontier)
    return Area(accounts, gather(sightings, counts), cut)


def _reached(environment: str, frontier: list[str], fresh: Mapping[Value, int]) -> set[str]:
    links = [value for value, number in fresh.items() if is_evidence(value.kind, number)]
    hubs = [value for value, number in fresh.items() if number > CAPS[value.kind]]
    reached = {one for who in holders_of(environment, links).values() for one in who}
    return reached | _fellow_members(environment, frontier, hubs) | _pinned(environment, frontier)


def _pinned(environment: str, account_ids: list[str]) -> set[str]:
    """Whom people put together with these accounts, or keep apart from them."""
    found: set[str] = set()
    for ids in batched(account_ids, CHUNK):
        rows = Pin.objects.filter(environment=environment, ended_at=None)
        pairs = rows.filter(Q(account_id__in=ids) | Q(other_id__in=ids)).values_list("account_id", "other_id")
        found.update(account for pair in pairs for account in pair)
    return found


def sightings_of(environment: str, account_ids: Iterable[str]) -> list[Sighting]:
    """What these accounts were seen with of the kinds that can be evidence, and when."""
    found: list[Sighting] = []
    for ids in batched(sorted(set(account_ids)), CHUNK):
        rows = Signal.objects.filter(environment=environment, account_id__in=ids, kind__in=CAPS)
        for account, kind, digest, first, last in rows.values_list(
            "account_id", "kind", "value_hash", "first_seen_at", "last_seen_at"
        ):
            value = Value(kind, bytes(digest))
            found.append(Sighting(account, value, int(first.timestamp()), int(last.timestamp())))
    return found


def _fellow_members(environment: str, account_ids: list[str], hubs: list[Value]) -> set[str]:
    """Members of the clusters that the accounts are in, and of those that a hub still holds together."""
    clusters: set[str] = set()
    for ids in batched(account_ids, CHUNK):
        places = AccountCluster.objects.filter(environment=environment, account_id__in=ids)
        clusters.update(places.filter(cluster__isnull=False).values_list("cluster__pk", flat=True))
    for digests in batched([hub.digest for hub in hubs], CHUNK):
        links = ClusterLink.objects.filter(cluster__environment=environment, value_hash__in=digests)
        clusters.update(links.values_list("cluster_id", flat=True))
    found: set[str] = set()
    for ids in batched(sorted(clusters), CHUNK):
        found.update(AccountCluster.objects.filter(cluster_id__in=ids).values_list("account_id", flat=True))
    return found
