"""Finds all clusters from scratch, and says how far those found online were from it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.linkage.evidence import Area
from accounts.linkage.finding import Found, find_clusters
from accounts.linkage.grades import find_grouped
from accounts.linkage.groups import BLOCK, Group, as_groups
from accounts.linkage.models import LinkageLock, LinkageRun, UnsettledAccount
from accounts.linkage.reading import read_days, read_everything
from accounts.linkage.settle import lock
from accounts.linkage.weigh import MODEL_VERSION
from accounts.linkage.writing import ACTOR, Old, read_old, write_groups
from foundation import clock
from foundation.ledger.append import append

LARGEST = 10
"""How many of the largest clusters a run describes."""


@transaction.atomic
def rebuild(environment: str, *, shadow: bool, now: datetime) -> LinkageRun:
    """Recompute an environment from its tables, in one process, under its lock.

    In ``shadow`` it only compares. Memory grows with the number of signals.
    """
    lock(environment)
    if not shadow:
        _take_marks(environment)
    area = read_everything(environment)
    found = find_clusters(area.evidence, read_days(environment, area.evidence))
    differing = accounts_that_differ(read_old(environment, area.accounts), found)
    if not shadow:
        write_groups(environment, area.accounts, found.groups, whole=True, now=now)
    return _record(environment, area, found.groups, differing, shadow=shadow, now=now)


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
        account: members
        for everybody in old.members.values()
        for members in [frozenset(one for one in everybody if old.basis[one] == BLOCK)]
        for account in members
    }
    joined = {account for group in found.groups for account in group.basis}
    after = {
        account: members
        for group in found.blocks
        for members in [group.accounts - joined]
        for account in members
    }
    return sum(before.get(account) != after.get(account) for account in before.keys() | after.keys())


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
    environment: str, area: Area, groups: list[Group], differing: int, *, shadow: bool, now: datetime
) -> LinkageRun:
    largest = sorted(groups, key=lambda group: -len(group.accounts))[:LARGEST]
    run = LinkageRun.objects.create(
        environment=environment,
        model_version=MODEL_VERSION,
        shadow=shadow,
        started_at=now,
        finished_at=clock.now(),
        accounts=len(area.accounts),
        signals=len(area.evidence.account),
        clusters=len(groups),
        accounts_that_differ=differing,
        figures={"largest": [describe(group) for group in largest]},
    )
    payload = {
        "environment": environment,
        "shadow": shadow,
        "clusters": run.clusters,
        "accounts": run.accounts,
        "differ": differing,
        "model": MODEL_VERSION,
    }
    append("linkage.rebuilt", actor=ACTOR, payload=payload)
    return run
