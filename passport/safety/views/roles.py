"""Roles of staff: who has which, and giving and taking them. The rules lie in ``accounts.people.roles``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.people import factors
from accounts.people.models import User
from accounts.people.roles import (
    STAFF_ROLES,
    Given,
    RoleRefused,
    find_person,
    give_role,
    given_to,
    roles_of,
    staff_members,
    take_role,
)
from accounts.portal.access import fresh_factor, groups_of, staff
from foundation import clock
from foundation.ledger.read import entries_about
from foundation.web.paging import keyset
from passport.revocation.batch import ROLE_AGE
from passport.safety.forms import ReasonForm
from passport.safety.happenings import happenings, people_of
from passport.safety.views.people import actor_of
from passport.safety.words import ROLES

SHOWN = 50
STEPS = {"give": give_role, "take": take_role}


@dataclass(frozen=True, slots=True)
class Colleague:
    """A line of the list."""

    user: User
    roles: tuple[str, ...]
    has_factor: bool


@dataclass(frozen=True, slots=True)
class Held:
    """One role on a person's page, held or not."""

    name: str
    words: str | Promise
    held: bool
    given: Given | None
    """None for a role that is not on the record: it opens pages, but approves nothing."""
    giver: str
    counts_from: datetime | None
    """Of a young approver: when approvals begin to count."""


@require_safe
@staff("auditor", "operator")
def roles(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:254]
    found = find_person(asked) if asked else None
    if found:
        return redirect("admin:person_roles", found.pk)
    page = keyset(staff_members(), request, key="email")
    ids = [user.pk for user in page.rows]
    held, secured = roles_of(ids), factors.users_with_factor(ids)
    lines = [
        Colleague(
            user, tuple(role for role in STAFF_ROLES if role in held.get(user.pk, ())), user.pk in secured
        )
        for user in page.rows
    ]
    return render(
        request, "safety/roles.html", {"section": "roles", "page": page, "lines": lines, "q": asked}
    )


@require_safe
@staff("auditor", "operator")
def person(request: HttpRequest, user_id: str) -> HttpResponse:
    return _show(request, get_object_or_404(User, pk=user_id))


def _show(request: HttpRequest, user: User, refused: str = "", status: int = 200) -> HttpResponse:
    given = given_to([user.pk])
    givers = people_of(one.by for one in given.values())
    held = roles_of([user.pk]).get(user.pk, frozenset())
    mine = actor_of(request) == f"user:{user.pk}"
    return render(
        request,
        "safety/person_roles.html",
        {
            "section": "roles",
            "person": user,
            "held": [_line(role, role in held, given.get((user.pk, role)), givers) for role in STAFF_ROLES],
            "has_factor": bool(factors.types_of(user)),
            "mine": mine,
            "may_change": "operator" in groups_of(request.user) and not mine,
            "refused": refused,
            "timeline": happenings(entries_about(user.pk, limit=SHOWN)),
        },
        status=status,
    )


def _line(role: str, held: bool, given: Given | None, givers: Mapping[str, str]) -> Held:
    counts_from = given.since + ROLE_AGE if held and given and role == "approver" else None
    if counts_from and counts_from <= clock.now():
        counts_from = None
    return Held(
        name=role,
        words=ROLES[role],
        held=held,
        given=given if held else None,
        giver=givers.get(given.by, "") if given else "",
        counts_from=counts_from,
    )


@require_POST
@staff("operator")
@fresh_factor
def change(request: HttpRequest, user_id: str, role: str, step: str) -> HttpResponse:
    """Give or take one role. What is refused is said on the person's page."""
    user = get_object_or_404(User, pk=user_id)
    if role not in STAFF_ROLES:
        raise Http404("no such role")
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        STEPS[step](user, role, actor=actor_of(request), reason=reason, now=clock.now())
    except RoleRefused as refused:
        return _show(request, user, str(refused), status=400)
    said = (
        gettext("%(email)s is %(role)s now.") if step == "give" else gettext("%(email)s is no %(role)s now.")
    )
    messages.success(request, said % {"email": user.email, "role": role})
    return redirect("admin:person_roles", user.pk)
