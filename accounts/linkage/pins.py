"""What a person said of two accounts: that they belong together, or that they do not.

A pin has a reason and an end, and stands above what is found: online and in the rebuild alike.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.linkage.groups import Group
from accounts.linkage.models import AccountCluster, Pin
from accounts.linkage.observe import mark_unsettled
from foundation.ledger.append import append

PINNED = AccountCluster.Basis.PINNED.value


@dataclass(frozen=True, slots=True)
class Said:
    """A pin that holds: ``account`` goes where ``other`` is, or is never where ``other`` is."""

    account: str
    other: str
    together: bool


def pin(
    account_id: str,
    other_id: str,
    environment: str,
    *,
    together: bool,
    reason: str,
    ends_at: datetime,
    actor: str,
    now: datetime,
) -> Pin:
    """Pin an account to another, or apart from it, until ``ends_at``; what was said of them before ends.

    Raises ValueError for one and the same account, an empty reason, or an end that has passed.
    """
    if account_id == other_id:
        raise ValueError("an account is not pinned to itself")
    if not reason.strip() or ends_at <= now:
        raise ValueError("a pin has a reason, and an end that lies ahead")
    with transaction.atomic():
        Pin.objects.filter(_between(account_id, other_id), environment=environment, ended_at=None).update(
            ended_at=now
        )
        row = Pin.objects.create(
            account_id=account_id,
            other_id=other_id,
            environment=environment,
            together=together,
            reason=reason.strip()[:200],
            placed_by=actor,
            created_at=now,
            ends_at=ends_at,
        )
        _follow(row, "pin.placed", actor, now)
    return row


def unpin(pin_id: int, *, actor: str, now: datetime) -> bool:
    """End a pin before its time. False: it had ended."""
    with transaction.atomic():
        if not Pin.objects.filter(pk=pin_id, ended_at=None).update(ended_at=now):
            return False
        _follow(Pin.objects.get(pk=pin_id), "pin.lifted", actor, now)
    return True


def end_pins(now: datetime) -> int:
    """Let pins end whose time has come, and have their accounts looked at again."""
    rows = Pin.objects.filter(ended_at=None, ends_at__lte=now)
    return sum(unpin(pk, actor="system:linkage", now=now) for pk in rows.values_list("pk", flat=True))


def pins_of(environment: str, account_ids: Collection[str]) -> list[Said]:
    """The pins that hold between these accounts, oldest first. People place few."""
    found: list[Said] = []
    wanted = frozenset(account_ids)
    rows = Pin.objects.filter(environment=environment, ended_at=None).order_by("pk")
    for account, other, together in rows.values_list("account_id", "other_id", "together"):
        if account in wanted and other in wanted:
            found.append(Said(account, other, together))
    return found


def pins_about(environment: str, account_ids: Collection[str]) -> list[Pin]:
    """The pins that hold and name one of these accounts, newest first."""
    rows = Pin.objects.filter(environment=environment, ended_at=None)
    named = Q(account_id__in=account_ids) | Q(other_id__in=account_ids)
    return list(rows.filter(named).select_related("account", "other").order_by("-pk"))


def apply_pins(groups: Iterable[Group], pins: Sequence[Said]) -> list[Group]:
    """The groups as people want them: first whom they keep apart, then whom they put together. Pure."""
    found = list(groups)
    for said in pins:
        if not said.together:
            found = [_without(group, said) for group in found]
    for said in pins:
        if said.together:
            found = _with(found, said)
    return [group for group in found if len(group.accounts) > 1]


def _without(group: Group, said: Said) -> Group:
    if not {said.account, said.other} <= group.accounts:
        return group
    return replace(
        group,
        accounts=group.accounts - {said.account},
        ties=tuple(tie for tie in group.ties if tie.account != said.account),
        basis={one: basis for one, basis in group.basis.items() if one != said.account},
    )


def _with(groups: list[Group], said: Said) -> list[Group]:
    here = next((group for group in groups if said.other in group.accounts), None)
    if here is not None and said.account in here.accounts:
        return groups
    here = here or Group(frozenset({said.other}), (), "linked", {said.other: PINNED})
    moved = Said(said.account, said.account, together=False)
    left = [_without(group, moved) for group in groups if said.other not in group.accounts]
    return [
        *left,
        replace(here, accounts=here.accounts | {said.account}, basis={**here.basis, said.account: PINNED}),
    ]


def _between(account_id: str, other_id: str) -> Q:
    return Q(account_id=account_id, other_id=other_id) | Q(account_id=other_id, other_id=account_id)


def _follow(row: Pin, type: str, actor: str, now: datetime) -> None:
    mark_unsettled(row.environment, [row.account_id, row.other_id])
    append(
        type,
        actor=actor,
        subject_ids=[row.account_id, row.other_id],
        reason="together" if row.together else "apart",
        payload={"environment": row.environment, "pin": row.pk, "ends_at": row.ends_at.isoformat()},
        text=row.reason,
        at=now,
    )
