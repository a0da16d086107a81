"""Limits: policies, overrides, and the changes of both. What holds is decided in ``passport.limits``."""

from collections.abc import Callable

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.portal.access import fresh_factor, groups_of, staff
from foundation import clock
from foundation.web.paging import keyset
from passport.limits import changes
from passport.limits.changes import ChangeRefused
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.limits.policies import DEFAULTS
from passport.safety.forms import ReasonForm
from passport.safety.happenings import people_of
from passport.safety.limit_forms import WINDOWS, OverrideForm, PolicyForm
from passport.safety.limits import decide, find_yesterday
from passport.safety.views.people import actor_of
from passport.services.models import Service

DECIDERS = frozenset({"analyst", "approver"})
OPEN = (LimitChange.State.DRAFT, LimitChange.State.WAITING)
MOST_WAITING = 50


@require_safe
@staff("analyst", "approver", "auditor")
def limits(request: HttpRequest) -> HttpResponse:
    page = keyset(LimitPolicy.objects.select_related("service"), request, key="-pk")
    waiting = list(LimitChange.objects.filter(state=LimitChange.State.WAITING)[:MOST_WAITING])
    return render(
        request,
        "safety/limits.html",
        {
            "section": "limits",
            "page": page,
            "defaults": DEFAULTS,
            "waiting": waiting,
            "who": people_of(row.requested_by for row in waiting),
            "windows": dict(WINDOWS),
            "may_change": _may_change(request),
        },
    )


@require_safe
@staff("analyst", "approver", "auditor")
def overrides(request: HttpRequest) -> HttpResponse:
    page = keyset(_live_overrides(), request, key="ends_at")
    who = people_of(by for row in page.rows for by in (row.requested_by, row.approved_by))
    return render(
        request,
        "safety/limit_overrides.html",
        {"section": "limits", "page": page, "who": who, "may_change": _may_change(request)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def new_policy(request: HttpRequest) -> HttpResponse:
    return _ask(
        request,
        PolicyForm(request.POST or None, initial=request.GET.dict()),
        gettext("Change a policy"),
        lambda form, actor: changes.prepare_policy(
            form.terms(), reason=form.cleaned_data["reason"], actor=actor, now=clock.now()
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def drop_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    get_object_or_404(LimitPolicy, pk=policy_id)
    return _ask(
        request,
        ReasonForm(request.POST or None),
        gettext("End a policy"),
        lambda form, actor: changes.prepare_drop(
            policy_id, reason=form.cleaned_data["reason"], actor=actor, now=clock.now()
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def new_override(request: HttpRequest, policy_id: int) -> HttpResponse:
    policy = get_object_or_404(LimitPolicy, pk=policy_id)
    now = clock.now()
    return _ask(
        request,
        OverrideForm(request.POST or None, initial={"quota": policy.quota, "burst": policy.burst}),
        gettext("Exception for one account"),
        lambda form, actor: changes.prepare_override(
            form.terms(policy_id, now), reason=form.cleaned_data["reason"], actor=actor, now=now
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def end_override(request: HttpRequest, override_id: int) -> HttpResponse:
    get_object_or_404(LimitOverride, pk=override_id)
    return _ask(
        request,
        ReasonForm(request.POST or None),
        gettext("End an exception"),
        lambda form, actor: changes.prepare_end(
            override_id, reason=form.cleaned_data["reason"], actor=actor, now=clock.now()
        ),
    )


@require_safe
@staff("analyst", "approver", "auditor")
def change(request: HttpRequest, change_id: str) -> HttpResponse:
    return _show(request, get_object_or_404(LimitChange, pk=change_id))


@require_POST
@staff("analyst", "approver")
@fresh_factor
def settle(request: HttpRequest, change_id: str, step: str) -> HttpResponse:
    """Put it into force, ask a second person, or let it be."""
    row = get_object_or_404(LimitChange, pk=change_id)
    actor, now = actor_of(request), clock.now()
    try:
        if step == "apply":
            decide(row, actor=actor, now=now)
        elif step == "ask":
            changes.ask_second_person(row.pk)
        else:
            changes.refuse(row.pk, actor=actor, now=now)
    except ChangeRefused as refused:
        return _show(request, row, str(refused), status=409 if refused.stale else 400)
    messages.success(request, SAID[step]())
    return redirect("admin:limit_change", row.pk)


SAID: dict[str, Callable[[], str]] = {
    "apply": lambda: gettext("In force from the next request on."),
    "ask": lambda: gettext("It waits for a second person."),
    "refuse": lambda: gettext("Nothing was changed."),
}


def _ask[F: ReasonForm](
    request: HttpRequest, form: F, heading: str, prepare: Callable[[F, str], LimitChange]
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("admin:limit_change", prepare(form, actor_of(request)).pk)
        except ChangeRefused as refused:
            form.add_error(None, str(refused))
    return render(
        request, "safety/limit_new.html", {"section": "limits", "form": form, "heading_words": heading}
    )


def _show(request: HttpRequest, row: LimitChange, refused: str = "", status: int = 200) -> HttpResponse:
    now, is_open = clock.now(), row.state in OPEN
    try:
        raises = is_open and changes.gives_more(row, now)
    except ChangeRefused as gone:
        raises, refused = False, refused or str(gone)
    service_id = row.wanted.get("service_id") or None
    return render(
        request,
        "safety/limit_change.html",
        {
            "section": "limits",
            "change": row,
            "service": Service.objects.filter(pk=service_id).first() if service_id else None,
            "is_open": is_open and _may_change(request),
            "is_draft": row.state == LimitChange.State.DRAFT,
            "raises": raises,
            "mine": row.requested_by == actor_of(request),
            "yesterday": find_yesterday(row, now),
            "who": people_of(by for by in (row.requested_by, row.decided_by) if by),
            "lines": _lines(row),
            "refused": refused,
        },
        status=status,
    )


MEMBERS = {
    "service_id": _("Where"),
    "scope": _("Scope"),
    "name": _("Name"),
    "applies_to": _("For"),
    "tier": _("From identity level"),
    "account_id": _("Account"),
    "quota": _("Units"),
    "window_seconds": _("In seconds"),
    "burst": _("At once, at most"),
    "unit": _("Counted in"),
    "ends_at": _("Until"),
}
"""What a policy or an override says, in the order of the forms."""


def _lines(row: LimitChange) -> list[tuple[Promise, object, object]]:
    """Each member of the row: its name, what it is now, what it shall be."""
    ends = row.kind in (LimitChange.Kind.DROP, LimitChange.Kind.END)
    before, after = row.before or {}, {} if ends else row.wanted
    return [
        (words, before.get(name, ""), after.get(name, ""))
        for name, words in MEMBERS.items()
        if name in row.wanted
    ]


def _live_overrides() -> "QuerySet[LimitOverride]":
    rows = LimitOverride.objects.filter(ends_at__gt=clock.now())
    return rows.select_related("policy__service", "account")


def _may_change(request: HttpRequest) -> bool:
    return bool(DECIDERS & groups_of(request.user))
