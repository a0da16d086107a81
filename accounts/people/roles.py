"""Roles of staff: who has which, since when and by whom; giving and taking them. The one writer of both.

The groups say what a person may do now; the ledger says since when (``staff.role_given``,
``staff.role_taken``). What was given behind the ledger's back opens pages, but approves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from accounts.people.models import User
from foundation.ledger.append import append
from foundation.ledger.read import entries_of

STAFF_ROLES: Final = ("analyst", "approver", "auditor", "operator")
KEEPER: Final = "operator"
"""The role that gives and takes roles."""
GIVEN: Final = "staff.role_given"
TAKEN: Final = "staff.role_taken"
MOST_ENTRIES: Final = 2_000


class RoleRefused(Exception):
    """The change is not made; the message is for whoever asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """A role as the ledger knows it: since when without a break, and who gave it."""

    since: datetime
    by: str


def staff_members() -> "QuerySet[User]":
    """Everybody who may enter the console, by role or as superuser."""
    return User.objects.filter(Q(is_staff=True) | Q(groups__name__in=STAFF_ROLES)).distinct()


def roles_of(user_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """The groups of each of these people. One query."""
    rows = User.groups.through.objects.filter(user_id__in=list(user_ids), group__name__in=STAFF_ROLES)
    found: dict[str, set[str]] = {}
    for user_id, name in rows.values_list("user_id", "group__name"):
        found.setdefault(user_id, set()).add(name)
    return {user_id: frozenset(names) for user_id, names in found.items()}


def given_to(user_ids: Iterable[str]) -> dict[tuple[str, str], Given]:
    """By person and role: since when it is held, as far as the ledger knows. One query."""
    wanted = list(user_ids)
    found: dict[tuple[str, str], Given] = {}
    for entry in reversed(entries_of(wanted, (GIVEN, TAKEN), limit=MOST_ENTRIES)):
        for person in set(entry.subject_ids) & set(wanted):
            for role in entry.payload.get("roles", ()):
                if entry.type == TAKEN:
                    found.pop((person, role), None)
                else:
                    found.setdefault((person, role), Given(entry.at, entry.actor))
    return found


def find_person(email: str) -> User | None:
    """Somebody who signed up and confirmed this address: nobody else can be given a role."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    return user if user and _is_confirmed(user) else None


def give_role(user: User, role: str, *, actor: str, reason: str, now: datetime) -> None:
    """Put ``user`` among the staff with ``role``. Raises RoleRefused.

    ``actor`` is ``user:<id>`` of an operator who is somebody else.
    """
    with transaction.atomic():
        held = _open_change(user, role, actor, reason)
        if role in held:
            raise RoleRefused(gettext("They have this role already."))
        if not user.is_active or not _is_confirmed(user):
            raise RoleRefused(gettext("Only somebody who confirmed their address can be given a role."))
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        User.objects.filter(pk=user.pk).update(is_staff=True)
        _record(GIVEN, user, role, actor, reason, now)


def take_role(user: User, role: str, *, actor: str, reason: str, now: datetime) -> None:
    """Take ``role`` away; with the last one the console closes. Raises RoleRefused."""
    with transaction.atomic():
        held = _open_change(user, role, actor, reason)
        if role not in held:
            raise RoleRefused(gettext("They do not have this role."))
        user.groups.remove(*Group.objects.filter(name=role))
        if held == {role} and not user.is_superuser:
            User.objects.filter(pk=user.pk).update(is_staff=False)
        _record(TAKEN, user, role, actor, reason, now)


def _open_change(user: User, role: str, actor: str, reason: str) -> frozenset[str]:
    """The roles ``user`` has, once it is sure that ``actor`` may change them.

    One change at a time: else two operators could take the role from each other, and none were left.
    """
    if role not in STAFF_ROLES:
        raise RoleRefused(gettext("There is no such role."))
    if not reason.strip():
        raise RoleRefused(gettext("Say why: it goes on the record."))
    if actor == f"user:{user.pk}":
        raise RoleRefused(gettext("Nobody changes their own roles. Ask another operator."))
    Group.objects.get_or_create(name=KEEPER)
    Group.objects.select_for_update().get(name=KEEPER)
    keepers = User.objects.filter(pk=actor.removeprefix("user:"), is_active=True, is_staff=True)
    if not keepers.filter(Q(is_superuser=True) | Q(groups__name=KEEPER)).exists():
        raise RoleRefused(gettext("Only an operator changes roles."))
    return roles_of([user.pk]).get(user.pk, frozenset())


def _is_confirmed(user: User) -> bool:
    found = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    return bool(found.exists())


def _record(type: str, user: User, role: str, actor: str, reason: str, now: datetime) -> None:
    payload: Mapping[str, object] = {"roles": [role]}
    append(type, actor=actor, subject_ids=[user.pk], payload=payload, text=reason.strip(), at=now)
