"""Finds all clusters from scratch, and says how far those found online were from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from prometheus_client import Gauge

from accounts.linkage.columns import Evidence
from accounts.linkage.components import largest_share
from accounts.linkage.evidence import Area
from accounts.linkage.finding import Found, find_clusters
from accounts.linkage.grades import Grouped, find_grouped
from accounts.linkage.groups import BLOCK, Group, as_groups
from accounts.linkage.models import LinkageDifference, LinkageLock, LinkageRun, UnsettledAccount
from accounts.linkage.pins import apply_pins, pins_of
from accounts.linkage.reading import read_days, read_everything
from accounts.linkage.settle import lock
from accounts.linkage.spark import find_on_spark
from accounts.linkage.weigh import JUDGEMENT, Model
from accounts.linkage.writing import ACTOR, Old, read_old, write_groups
from foundation import clock
from foundation.ledger.append import append

LARGEST = 10
"""How many of the largest clusters a run describes."""


ENGINES: Mapping[str, Callable[[Evidence], Grouped]] = {"duckdb": find_grouped, "spark": find_on_spark}
"""Who finds the blocks, from the same evidence by the same code."""
MOST_BY_ITSELF = 25
SHARE_BY_ITSELF = 0.01
"""What a rebuild that nobody asked for may move: so many accounts, or this part of those in clusters."""
MOST_RECORDED = 10_000
SHARE = Gauge(
    "agent_passport_linkage_largest_component_share",
    "Part of all accounts that hangs together in the largest component, at the last rebuild.",
    ["environment"],
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rebuild may do, and how it is to work."""

    apply: bool = True
    by_policy: bool = False
    """True: apply only what is small enough; a person decides on the rest."""
    engine: str = "duckdb"
    model: Model = JUDGEMENT
    actor: str = ACTOR

    def applies(self, to_move: int, clustered: int) -> bool:
        small = to_move <= max(MOST_BY_ITSELF, SHARE_BY_ITSELF * clustered)
        return self.apply and (small or not self.by_policy)


@transaction.atomic
def rebuild(environment: str, *, wanted: Wanted = Wanted(), now: datetime) -> LinkageRun:
    """Recompute an environment from its tables, in one process, under its lock.

    How far online was from it is recorded, and it is applied where that is wanted. Memory grows
    with what is shared. Raises NoSpark.
    """
    lock(environment)
    area = read_everything(environment)
    days = read_days(environment, area.evidence)
    found = find_clusters(area.evidence, days, find=ENGINES[wanted.engine], model=wanted.model)
    groups = apply_pins(found.groups, pins_of(environment, area.accounts))
    old = read_old(environment, area.accounts)
    moves = differences(old, groups)
    applies = wanted.applies(len(moves), len(old.basis))
    if applies:
        _take_marks(environment)
        write_groups(
            environment, area.accounts, found.groups, whole=True, model=wanted.model.version, now=now
        )
    run = _record(environment, area, groups, wanted, accounts_that_differ(old, found), moves, applies, now)
    LinkageDifference.objects.filter(run__environment=environment).delete()
    for move in moves:
        move.run = run
    LinkageDifference.objects.bulk_create(moves[:MOST_RECORDED], batch_size=500)
    return run


def differences(old: Old, groups: Iterable[Group]) -> list[LinkageDifference]:
    """Who would have others for fellow members, in the order of their names."""
    after = {group.accounts: group for group in groups}
    before = {frozenset(members): cluster for cluster, members in old.members.items()}
    home = {account: cluster for who, cluster in before.items() if who not in after for account in who}
    there = {account: group for who, group in after.items() if who not in before for account in who}
    return [
        LinkageDifference(
            account_id=account,
            cluster_before=home.get(account, ""),
            grade_after=there[account].grade if account in there else "",
            first_account_after=min(there[account].accounts) if account in there else "",
        )
        for account in sorted(home.keys() | there.keys())
    ]


def settle_everything(environment: str, *, now: datetime) -> bool:
    """Find all blocks anew where that was asked for; what else holds clusters together stays.

    One query, and no lock, where it was not.
    """
    if not LinkageLock.objects.filter(environment=environment, asked_at__isnull=False).exists():
        return False
    return _settle_everything(environment, now)


@transaction.atomic
def _settle_everything(environment: str, now: datetime) -> bool:
    if lock(environment).asked_at is None:
        return False
    _take_marks(environment)
    area = read_everything(environment)
    groups = as_groups(area.evidence, find_grouped(area.evidence).blocks)
    write_groups(environment, area.accounts, groups, now=now)
    return True


def ask_for_everything(environment: str, *, now: datetime) -> None:
    """Say, in the caller's transaction, that more has changed than neighbourhoods can follow."""
    LinkageLock.objects.get_or_create(environment=environment)
    LinkageLock.objects.filter(environment=environment, asked_at=None).update(asked_at=now)


def _take_marks(environment: str) -> None:
    LinkageLock.objects.filter(environment=environment).update(asked_at=None)
    UnsettledAccount.objects.filter(environment=environment).delete()


def accounts_that_differ(old: Old, found: Found) -> int:
    """Accounts whose fellow members, as far as they are in by blocks, are others than before."""
    before = {
        frozenset(one for one in everybody if old.basis[one] == BLOCK) for everybody in old.members.values()
    }
    joined = {account for group in found.groups for account in group.basis}
    after = {group.accounts - joined for group in found.blocks}
    return len(frozenset[str]().union(*(before ^ after)))


def describe(group: Group) -> Mapping[str, float]:
    """Size, density (1.0: everybody has every value) and the rarest value of a cluster."""
    values = {tie.value for tie in group.ties}
    cells = len(group.accounts) * len(values)
    return {
        "accounts": len(group.accounts),
        "values": len(values),
        "density": round(len(group.ties) / cells, 4) if cells else 0.0,
        "fewest_holders": min((tie.holders for tie in group.ties), default=0),
    }


def _record(
    environment: str,
    area: Area,
    groups: Sequence[Group],
    wanted: Wanted,
    differing: int,
    moves: Sequence[LinkageDifference],
    applies: bool,
    now: datetime,
) -> LinkageRun:
    largest = sorted(groups, key=lambda group: -len(group.accounts))[:LARGEST]
    share = round(largest_share(area.evidence), 4)
    SHARE.labels(environment).set(share)
    run = LinkageRun.objects.create(
        environment=environment,
        model_version=wanted.model.version,
        engine=wanted.engine,
        shadow=not applies,
        started_at=now,
        finished_at=clock.now(),
        accounts=len(area.accounts),
        signals=len(area.evidence.account),
        clusters=len(groups),
        accounts_that_differ=differing,
        accounts_to_move=len(moves),
        applied_at=now if applies else None,
        applied_by=wanted.actor if applies else "",
        figures={
            "largest_component_share": share,
            "largest": [describe(group) for group in largest],
        },
    )
    payload = {
        "run": run.pk,
        "environment": environment,
        "engine": wanted.engine,
        "shadow": run.shadow,
        "clusters": run.clusters,
        "accounts": run.accounts,
        "differ": differing,
        "to_move": len(moves),
        "model": wanted.model.version,
    }
    append("linkage.rebuilt", actor=wanted.actor, payload=payload)
    return run
