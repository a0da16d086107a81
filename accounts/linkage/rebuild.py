"""Finds all clusters from scratch, and says how far those found online were from it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.linkage.evidence import Area, read_everything
from accounts.linkage.graph import Group, find_groups
from accounts.linkage.models import LinkageRun, UnsettledAccount
from accounts.linkage.settle import ACTOR, Old, lock, read_old, write_groups
from accounts.linkage.weigh import MODEL_VERSION
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
        UnsettledAccount.objects.filter(environment=environment).delete()
    area = read_everything(environment)
    groups = find_groups(area.holders, area.domains)
    differing = accounts_that_differ(read_old(environment, area.accounts), groups)
    if not shadow:
        write_groups(environment, area, groups, now=now)
    return _record(environment, area, groups, differing, shadow=shadow, now=now)


def accounts_that_differ(old: Old, groups: list[Group]) -> int:
    """Accounts whose fellow members are others than before."""
    before = {account: frozenset(members) for members in old.members.values() for account in members}
    after = {account: group.accounts for group in groups for account in group.accounts}
    return sum(before.get(account) != after.get(account) for account in before.keys() | after.keys())


def describe(group: Group, area: Area) -> Mapping[str, float]:
    """Size, density (1.0: everybody has every value) and the rarest value of a cluster."""
    held = {value: len(group.accounts.intersection(area.holders[value])) for value in group.values}
    cells = len(group.accounts) * len(held)
    return {
        "accounts": len(group.accounts),
        "values": len(held),
        "density": round(sum(held.values()) / cells, 4) if cells else 0.0,
        "fewest_holders": min((len(area.holders[value]) for value in held), default=0),
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
        signals=sum(len(who) for who in area.holders.values()),
        clusters=len(groups),
        accounts_that_differ=differing,
        figures={"largest": [describe(group, area) for group in largest]},
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
