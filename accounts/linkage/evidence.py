"""Reads signals: who was seen with what, and the neighbourhood of a change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from typing import NamedTuple

from django.db.models import Count, QuerySet

from accounts.linkage.models import AccountCluster, ClusterLink, Signal
from accounts.linkage.weigh import CAPS, DOMAIN, is_evidence

CHUNK = 500
"""Values in one query: below every database's limit of parameters."""


class Value(NamedTuple):
    """A value as we know it: its kind and its keyed hash."""

    kind: str
    digest: bytes

    @property
    def tag(self) -> str:
        """What may be shown: 8 hexadecimal digits."""
        return self.digest[:4].hex()


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


@dataclass(slots=True)
class Area:
    """The neighbourhood of a change, read from the tables."""

    accounts: set[str] = field(default_factory=set)
    holders: dict[Value, list[str]] = field(default_factory=dict)
    domains: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    cut: bool = False
    """True where it grew beyond its bound: what lies outside was not read."""


def read_area(environment: str, seeds: Iterable[str], *, most: int) -> Area:
    """Everybody whose group may depend on the seeds: whom they reach over evidence, and with whom
    they are clustered now (who left must be seen as well).

    Stops at ``most`` accounts, nearest first. Two or three queries for each step outwards.
    """
    area = Area()
    frontier = sorted(set(seeds))
    while frontier:
        room = most - len(area.accounts)
        area.cut = area.cut or len(frontier) > room
        frontier = frontier[:room]
        area.accounts.update(frontier)
        fresh = values_of(environment, frontier) - area.holders.keys()
        read = holders_of(environment, fresh)
        area.holders.update(read)
        reached = {one for value, who in read.items() if is_evidence(value.kind, len(who)) for one in who}
        hubs = [value for value, who in read.items() if len(who) > CAPS[value.kind]]
        reached |= _fellow_members(environment, frontier, hubs)
        frontier = sorted(reached - area.accounts) if room > len(frontier) else []
        area.cut = area.cut or bool(reached - area.accounts and not frontier)
    for value, who in area.holders.items():
        if value.kind == DOMAIN:
            for account in who:
                area.domains[account].add(value.digest)
    return area


def read_everything(environment: str) -> Area:
    """All evidence of an environment. Memory grows with the number of signals."""
    area = Area(
        accounts=set(
            AccountCluster.objects.filter(environment=environment, cluster__isnull=False).values_list(
                "account_id", flat=True
            )
        )
    )
    rows = Signal.objects.filter(environment=environment, kind__in=CAPS)
    for kind, digest, account in rows.values_list("kind", "value_hash", "account_id").iterator(20_000):
        value = Value(kind, bytes(digest))
        area.holders.setdefault(value, []).append(account)
        area.accounts.add(account)
        if kind == DOMAIN:
            area.domains[account].add(value.digest)
    return area


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
