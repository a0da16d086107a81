"""Brings clusters in step with the evidence. The only writer of clusters, places and links.

Whoever settles holds the lock of the environment, so two never write the same cluster at
once. Marks are taken *before* the evidence is read for good: an observer that is still at
work on a marked account is waited for, and one that marks later leaves a mark that stays.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

import structlog
from django.db import transaction

from accounts.linkage.evidence import CHUNK, Area, Value, read_area
from accounts.linkage.graph import Group, find_groups
from accounts.linkage.identity import match
from accounts.linkage.models import AccountCluster, Cluster, ClusterLink, LinkageLock, UnsettledAccount
from accounts.linkage.weigh import MODEL_VERSION, bits
from foundation import clock
from foundation.ledger.append import append

log = structlog.get_logger()

MOST_ACCOUNTS = 5_000
"""The largest neighbourhood that is recomputed at once; the rest is the rebuild's."""
ACTOR = "system:linkage"


@dataclass(frozen=True, slots=True)
class Old:
    """The clusters of an area as they are."""

    members: dict[str, set[str]]
    grades: dict[str, str]


def settle(environment: str, account_id: str, *, most: int = MOST_ACCOUNTS) -> None:
    """Recompute the neighbourhood of an account that is marked; nothing to do where it is not.

    Cost: a few queries for each step outwards, O(signals of the neighbourhood).
    """
    with transaction.atomic():
        lock(environment)
        marks = UnsettledAccount.objects.filter(environment=environment)
        if not marks.filter(account_id=account_id).exists():
            return
        first_look = read_area(environment, [account_id], most=most)
        for ids in batched(sorted(first_look.accounts), CHUNK):
            marks.filter(account_id__in=ids).delete()
        area = read_area(environment, [account_id], most=most)
        if area.cut:
            log.warning("linkage_neighbourhood_cut", environment=environment, accounts=len(area.accounts))
        write_groups(environment, area, find_groups(area.holders, area.domains), now=clock.now())


def settle_marked(environment: str, *, older_than: timedelta = timedelta(0), limit: int = 1_000) -> int:
    """Settle what is marked, oldest first, each in a transaction of its own. Gives how many marks."""
    rows = UnsettledAccount.objects.filter(
        environment=environment, marked_at__lte=clock.now() - older_than
    ).order_by("marked_at", "pk")
    marked = list(rows.values_list("account_id", flat=True)[:limit])
    for account_id in marked:
        settle(environment, account_id)
    return len(marked)


def lock(environment: str) -> None:
    """Until the transaction ends nobody else changes clusters of this environment."""
    LinkageLock.objects.get_or_create(environment=environment)
    LinkageLock.objects.select_for_update().get(environment=environment)


def write_groups(environment: str, area: Area, groups: Sequence[Group], *, now: datetime) -> None:
    """Make the clusters of an area what ``groups`` says. Under the lock."""
    old = read_old(environment, area.accounts)
    kept = sorted(
        _join_only(old, groups) if area.cut else groups, key=lambda group: sorted(group.accounts)[0]
    )
    matching = match(old.members, [group.accounts for group in kept])
    new: dict[str, Group] = {}
    for number, group in enumerate(kept):
        cluster_id = matching.keeps.get(number)
        new[cluster_id or _begin(environment, group, matching.split_from.get(number), now)] = group
    _write_places(environment, old, new, now)
    for cluster_id, group in new.items():
        _write_links(cluster_id, group, area)
        _write_change(cluster_id, group, old, now)
    ids = list(new)
    for cluster_id, members in old.members.items():
        if cluster_id not in new:
            number_after = matching.merged_into.get(cluster_id)
            _end(cluster_id, members, None if number_after is None else ids[number_after], now)


def read_old(environment: str, account_ids: Collection[str]) -> Old:
    """The clusters of these accounts, with the members among them."""
    members: dict[str, set[str]] = {}
    for ids in batched(sorted(account_ids), CHUNK):
        rows = AccountCluster.objects.filter(
            environment=environment, account_id__in=ids, cluster__isnull=False
        ).values_list("cluster_id", "account_id")
        for cluster_id, account in rows:
            members.setdefault(str(cluster_id), set()).add(account)
    grades: dict[str, str] = {}
    for clusters in batched(sorted(members), CHUNK):
        grades.update(Cluster.objects.filter(pk__in=clusters).values_list("pk", "grade"))
    return Old(members, grades)


def _join_only(old: Old, groups: Iterable[Group]) -> list[Group]:
    """A neighbourhood that was cut shows too few paths: clusters grow by it, none shrinks."""
    home = {account: cluster for cluster, members in old.members.items() for account in members}
    grown = {cluster: set(members) for cluster, members in old.members.items()}
    values: dict[str, set[Value]] = {cluster: set() for cluster in grown}
    fresh = []
    for group in groups:
        homes = sorted({home[one] for one in group.accounts if one in home})
        newcomers = {one for one in group.accounts if one not in home}
        if not homes:
            fresh.append(group)
            continue
        best = max(homes, key=lambda cluster: (len(grown[cluster] & group.accounts), cluster))
        grown[best] |= newcomers
        values[best] |= group.values
    stay = [
        Group(
            frozenset(members), frozenset(values[cluster]), old.grades[cluster] == Cluster.Grade.ORGANISATION
        )
        for cluster, members in grown.items()
    ]
    return stay + fresh


def _grade(group: Group) -> str:
    return Cluster.Grade.ORGANISATION if group.organisation else Cluster.Grade.LINKED


def _begin(environment: str, group: Group, split_from: str | None, now: datetime) -> str:
    return Cluster.objects.create(
        environment=environment,
        grade=_grade(group),
        model_version=MODEL_VERSION,
        created_at=now,
        split_from_id=split_from,
    ).pk


def _write_places(environment: str, old: Old, new: dict[str, Group], now: datetime) -> None:
    """Only accounts whose cluster is another one now are touched: ``changed_at`` says so to others."""
    before = {account: cluster for cluster, members in old.members.items() for account in members}
    after = {account: cluster for cluster, group in new.items() for account in group.accounts}
    rows = [
        AccountCluster(
            account_id=account, environment=environment, cluster_id=after.get(account), changed_at=now
        )
        for account in sorted(before.keys() | after.keys())
        if before.get(account) != after.get(account)
    ]
    AccountCluster.objects.bulk_create(
        rows,
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["account", "environment"],
        update_fields=["cluster", "changed_at"],
    )


def _write_links(cluster_id: str, group: Group, area: Area) -> None:
    wanted = {
        (account, value.kind, value.digest): ClusterLink(
            cluster_id=cluster_id,
            account_id=account,
            kind=value.kind,
            value_hash=value.digest,
            holders=len(area.holders[value]),
            bits=bits(value.kind, len(area.holders[value])),
        )
        for value in group.values
        for account in group.accounts.intersection(area.holders[value])
    }
    stale = []
    for row in ClusterLink.objects.filter(cluster_id=cluster_id):
        same = wanted.get((row.account_id, row.kind, bytes(row.value_hash)))
        if same is not None and same.holders == row.holders:
            del wanted[row.account_id, row.kind, bytes(row.value_hash)]
        elif same is not None or not area.cut:
            stale.append(row.pk)
    for ids in batched(stale, CHUNK):
        ClusterLink.objects.filter(pk__in=ids).delete()
    ClusterLink.objects.bulk_create(wanted.values(), batch_size=CHUNK)


def _write_change(cluster_id: str, group: Group, old: Old, now: datetime) -> None:
    before = old.members.get(cluster_id, set())
    joined, left = group.accounts - before, before - group.accounts
    if not joined and not left and old.grades.get(cluster_id) == _grade(group):
        return
    size = AccountCluster.objects.filter(cluster_id=cluster_id).count()
    rows = Cluster.objects.filter(pk=cluster_id)
    rows.update(size=size, grade=_grade(group), model_version=MODEL_VERSION)
    _record(rows.get(), joined, left, now)


def _end(cluster_id: str, members: Collection[str], merged_into: str | None, now: datetime) -> None:
    rows = Cluster.objects.filter(pk=cluster_id)
    rows.update(size=0, ended_at=now, merged_into_id=merged_into)
    ClusterLink.objects.filter(cluster_id=cluster_id).delete()
    _record(rows.get(), set(), members, now)


def _record(cluster: Cluster, joined: Collection[str], left: Collection[str], now: datetime) -> None:
    append(
        "cluster.changed",
        actor=ACTOR,
        subject_ids=[cluster.pk, *sorted({*joined, *left})],
        reason="ended" if cluster.ended_at else "evidence",
        payload={
            "environment": cluster.environment,
            "grade": cluster.grade,
            "size": cluster.size,
            "joined": sorted(joined),
            "left": sorted(left),
            "merged_into": cluster.merged_into_id or "",
            "split_from": cluster.split_from_id or "",
            "model": cluster.model_version,
        },
        at=now,
    )
