"""The life of an account: opened, renamed, closed. Each step leaves an entry in the ledger."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from accounts.owners.models import Account, Membership
from accounts.people.models import User
from foundation import clock
from foundation.ledger.append import append

MOST_NAME_CHARACTERS = 120

CLOSING_OBJECTIONS: list[Callable[[str], str | None]] = []
"""Apps above say why an account (by id) may not be closed yet, in words its owner can act on."""


class CannotClose(Exception):
    """The account has something open; the message says what."""


def open_account(user: User, name: str, kind: str, *, now: datetime | None = None) -> Account:
    """A new account with ``user`` as its owner. Raises ValueError for an empty name or an unknown kind."""
    name = check_name(name)
    if kind not in Account.Kind.values:
        raise ValueError("kind is organisation or person")
    now = now or clock.now()
    with transaction.atomic():
        account = Account.objects.create(name=name, kind=kind, created_at=now)
        Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER, created_at=now)
        append(
            "account.opened",
            actor=f"user:{user.pk}",
            subject_ids=[account.pk],
            payload={"kind": kind, "owner": user.pk},
            at=now,
        )
    return account


def rename_account(account_id: str, name: str, *, actor: User, now: datetime) -> None:
    """Raises ValueError for an empty or overlong name."""
    name = check_name(name)
    with transaction.atomic():
        Account.objects.filter(pk=account_id).update(name=name)
        append("account.renamed", actor=f"user:{actor.pk}", subject_ids=[account_id], at=now)


def close_account(account_id: str, *, actor: User, now: datetime) -> bool:
    """Close it for good: its agents get nothing more. False: it was closed already. Raises CannotClose."""
    for objection in CLOSING_OBJECTIONS:
        if why := objection(account_id):
            raise CannotClose(why)
    with transaction.atomic():
        open_ones = Account.objects.filter(pk=account_id, state=Account.State.OPEN)
        if not open_ones.update(state=Account.State.CLOSED, closed_at=now):
            return False
        append("account.closed", actor=f"user:{actor.pk}", subject_ids=[account_id], at=now)
    return True


def check_name(name: str) -> str:
    """The name without spaces around it. Raises ValueError when nothing is left, or too much."""
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME_CHARACTERS:
        raise ValueError(f"a name has 1 to {MOST_NAME_CHARACTERS} characters")
    return name
