"""Makes clusters, places and links what was found. The only writer of the three tables.

Called under the lock of the environment. A fixed number of statements for each thousand rows,
whether a neighbourhood is written or the whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from accounts.linkage import bulk
from accounts.linkage.evidence import CHUNK
from accounts.linkage.groups import BLOCK, Group, Tie
from accounts.linkage.identity import match
from accounts.linkage.learning import in_force
from accounts.linkage.models import AccountCluster, Cluster, ClusterLink, new_cluster_id
from accounts.linkage.pins import PINNED, apply_pins, pins_of
from foundation.ledger.append import Happened, append_many

ACTOR = "system:linkage"


@dataclass(frozen=True, slots=True)
class Old:
    """The clusters of some accounts as they are."""

    members: dict[str, set[str]]
    basis: dict[str, str]
    grades: dict[str, str]

    def home(self) -> dict[str, str]:
        return {account: cluster for cluster, members in self.members.items() for account in members}


@dataclass(frozen=True, slots=True)
class _Change:
    """From the old clusters to the new ones."""

    environment: str
    old: Old
    new: dict[str, Group]
    split_from: dict[str, str]
    merged_into: dict[str, str]
    cut: bool
    whole: bool
    model: str
    now: datetime

    def begun(self) -> list[str]:
        return [cluster for cluster in self.new if cluster not in self.old.members]

    def ended(self) -> list[str]:
        return [cluster for cluster in self.old.members if cluster not in self.new]


def write_groups(
    environment: str,
    account_ids: Collection[str],
    groups: Sequence[Group],
    *,
    cut: bool = False,
    whole: bool = False,
    model: str = "",
    now: datetime,
) -> None:
    """Make the clusters of these accounts what ``groups`` says.

    With ``cut`` the groups show too little: clusters grow, none shrinks. Unless ``whole``, the
    groups are blocks only, and who is in by anything else stays with its cluster.
    """
    old = read_old(environment, account_ids)
    found = _join_only(old, groups) if cut else list(groups)
    if not whole and not cut:
        found = _with_attached(old, found)
    found = apply_pins(found, pins_of(environment, account_ids))
    found.sort(key=lambda group: min(group.accounts))
    change = _change(
        environment, old, found, cut=cut, whole=whole, model=model or in_force().version, now=now
    )
    _write_begun(change)
    _write_places(change)
    _write_links(change)
    append_many(_write_changes(change))


def read_old(environment: str, account_ids: Collection[str]) -> Old:
    """The clusters of these accounts, with the members among them."""
    old = Old({}, {}, {})
    wanted = account_ids if isinstance(account_ids, set | frozenset) else set(account_ids)
    places = AccountCluster.objects.filter(environment=environment, cluster__isnull=False)
    chunks = [None] if len(wanted) > 100 * CHUNK else batched(sorted(wanted), CHUNK)
    for ids in chunks:
        rows = places if ids is None else places.filter(account_id__in=ids)
        for cluster, account, basis in rows.values_list("cluster_id", "account_id", "basis"):
            if account in wanted:
                old.members.setdefault(str(cluster), set()).add(account)
                old.basis[account] = basis
    for clusters in batched(sorted(old.members), CHUNK):
        old.grades.update(Cluster.objects.filter(pk__in=clusters).values_list("pk", "grade"))
    return old


def _change(
    environment: str, old: Old, found: list[Group], *, cut: bool, whole: bool, model: str, now: datetime
) -> _Change:
    matching = match(old.members, [group.accounts for group in found])
    ids = [matching.keeps.get(number) or new_cluster_id() for number in range(len(found))]
    return _Change(
        environment,
        old,
        new=dict(zip(ids, found, strict=True)),
        split_from={ids[number]: cluster for number, cluster in matching.split_from.items()},
        merged_into={cluster: ids[number] for cluster, number in matching.merged_into.items()},
        cut=cut,
        whole=whole,
        model=model,
        now=now,
    )


def _join_only(old: Old, groups: Iterable[Group]) -> list[Group]:
    """A neighbourhood that was cut shows too few paths: clusters grow by it, none shrinks."""
    home = old.home()
    grown = {
        cluster: Group(frozenset(members), (), old.grades[cluster], _basis(old, members))
        for cluster, members in old.members.items()
    }
    fresh = []
    for group in groups:
        homes = sorted({home[one] for one in group.accounts if one in home})
        if not homes:
            fresh.append(group)
            continue
        best = max(homes, key=lambda cluster: (len(grown[cluster].accounts & group.accounts), cluster))
        inside = grown[best].accounts | {one for one in group.accounts if one not in home}
        ties = tuple(tie for tie in group.ties if tie.account in inside)
        grown[best] = replace(grown[best], accounts=inside, ties=grown[best].ties + ties)
    return [*grown.values(), *fresh]


def _with_attached(old: Old, groups: list[Group]) -> list[Group]:
    """Whoever is in a cluster by anything but its block, and is in no block now, stays with it."""
    home = old.home()
    inner, found = _inner(old, home, groups)
    in_block = {account for group in found for account in group.accounts}
    matching = match(old.members, [group.accounts for group in found])
    follows = {cluster: number for number, cluster in matching.keeps.items()} | dict(matching.merged_into)
    for cluster, members in old.members.items():
        # Who was pinned is put there again, as long as the pin holds.
        others = {one for one in members if old.basis[one] not in (BLOCK, PINNED) and one not in in_block}
        number = follows.get(cluster)
        if len(others) < 2 and number is None:
            continue
        group = found[number] if number is not None else Group(frozenset(), (), old.grades[cluster])
        grown = replace(
            group,
            accounts=group.accounts | others,
            ties=group.ties + inner[cluster],
            basis={**group.basis, **_basis(old, others)},
        )
        if number is not None:
            found[number] = grown
        elif others == members:
            found.append(grown)
        else:
            # What the others had joined is gone: what they share among themselves is left.
            found += [one for one in groups if one.accounts <= others]
    return found


def _inner(
    old: Old, home: dict[str, str], groups: Iterable[Group]
) -> tuple[dict[str, tuple[Tie, ...]], list[Group]]:
    """The ties of blocks that lie wholly among those who joined one cluster; and the other blocks."""
    inner: dict[str, tuple[Tie, ...]] = defaultdict(tuple)
    others = []
    for group in groups:
        homes = {home.get(one, "") for one in group.accounts}
        if len(homes) == 1 and "" not in homes and all(old.basis[one] != BLOCK for one in group.accounts):
            inner[homes.pop()] += group.ties
        else:
            others.append(group)
    return inner, others


def _basis(old: Old, members: Iterable[str]) -> dict[str, str]:
    return {one: old.basis[one] for one in members if old.basis[one] != BLOCK}


def _write_begun(change: _Change) -> None:
    Cluster.objects.bulk_create(
        [
            Cluster(
                pk=cluster,
                environment=change.environment,
                grade=change.new[cluster].grade,
                model_version=change.model,
                created_at=change.now,
                split_from_id=change.split_from.get(cluster),
                size=len(change.new[cluster].accounts),
            )
            for cluster in change.begun()
        ],
        batch_size=CHUNK,
    )


def _write_places(change: _Change) -> None:
    """``changed_at`` moves only for accounts whose cluster is another one now: others read it."""
    before = change.old.home()
    after = {account: cluster for cluster, group in change.new.items() for account in group.accounts}
    now = bulk.moment(change.now)
    rows = []
    for account in sorted(before.keys() | after.keys()):
        cluster = after.get(account)
        basis = change.new[cluster].basis_of(account) if cluster else BLOCK
        if before.get(account) != cluster or change.old.basis.get(account) != basis:
            rows.append((account, change.environment, cluster, basis, now))
    bulk.insert(
        AccountCluster,
        ["account_id", "environment", "cluster_id", "basis", "changed_at"],
        rows,
        conflict="""ON CONFLICT (account_id, environment) DO UPDATE SET
            changed_at = CASE WHEN accounts_accountcluster.cluster_id IS NOT DISTINCT FROM excluded.cluster_id
                THEN accounts_accountcluster.changed_at ELSE excluded.changed_at END,
            cluster_id = excluded.cluster_id, basis = excluded.basis""",
    )


def _write_links(change: _Change) -> None:
    wanted = {
        (cluster, tie.account, tie.value.kind, tie.value.digest): tie
        for cluster, group in change.new.items()
        for tie in group.ties
    }
    stale: list[int] = []
    for clusters in batched(sorted(change.old.members), CHUNK):
        for row in ClusterLink.objects.filter(cluster_id__in=clusters).iterator(10_000):
            same = wanted.get((row.cluster_id, row.account_id, row.kind, bytes(row.value_hash)))
            if same is not None and (same.holders, same.bits) == (row.holders, row.bits):
                del wanted[row.cluster_id, row.account_id, row.kind, bytes(row.value_hash)]
            elif same is not None or not _stays(row, change):
                stale.append(row.pk)
    for ids in batched(stale, CHUNK):
        ClusterLink.objects.filter(pk__in=ids).delete()
    bulk.insert(
        ClusterLink,
        ["cluster_id", "account_id", "kind", "value_hash", "holders", "bits"],
        ((*key, tie.holders, tie.bits) for key, tie in wanted.items()),
    )


def _stays(row: ClusterLink, change: _Change) -> bool:
    """Whether a link that was not found again holds all the same: what it rests on was not looked at."""
    group = change.new.get(row.cluster_id)
    if group is None:
        return False
    return change.cut or (not change.whole and row.account_id in group.basis)


def _write_changes(change: _Change) -> Iterator[Happened]:
    for cluster, group in change.new.items():
        before = change.old.members.get(cluster, set())
        joined, left = group.accounts - before, before - group.accounts
        if not joined and not left and change.old.grades.get(cluster) == group.grade:
            continue
        size = len(group.accounts)
        if before:
            # Of a neighbourhood that was cut not every member may have been read.
            size = AccountCluster.objects.filter(cluster_id=cluster).count()
            Cluster.objects.filter(pk=cluster).update(
                size=size, grade=group.grade, model_version=change.model
            )
        yield _happened(change, cluster, group.grade, size, joined, left)
    for cluster in change.ended():
        merged_into = change.merged_into.get(cluster)
        Cluster.objects.filter(pk=cluster).update(size=0, ended_at=change.now, merged_into_id=merged_into)
        members = change.old.members[cluster]
        yield _happened(change, cluster, change.old.grades[cluster], 0, set(), members, ended=True)


def _happened(
    change: _Change,
    cluster: str,
    grade: str,
    size: int,
    joined: Collection[str],
    left: Collection[str],
    *,
    ended: bool = False,
) -> Happened:
    return Happened(
        "cluster.changed",
        actor=ACTOR,
        at=change.now,
        subject_ids=[cluster, *sorted({*joined, *left})],
        reason="ended" if ended else "evidence",
        payload={
            "environment": change.environment,
            "grade": grade,
            "size": size,
            "joined": sorted(joined),
            "left": sorted(left),
            "merged_into": change.merged_into.get(cluster, ""),
            "split_from": change.split_from.get(cluster, ""),
            "model": change.model,
        },
    )
