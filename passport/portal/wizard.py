"""Registering an agent, a page a step. The draft lies in the session and holds nothing secret."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.agents.keys import parse_public_jwk
from passport.agents.models import Agent
from passport.agents.registration import RegistrationRefused, register_agent
from passport.portal.forms import SEPARATOR, About, Key, Scopes
from passport.services.models import Service
from passport.services.registration import set_grant
from passport.standing.offers import ServiceRow, service_rows

STEPS = ("about", "key", "scopes", "check")
NAMES = {"about": "Name and purpose", "key": "Key", "scopes": "Services and scopes", "check": "Check"}

Draft = dict[str, Any]


def draft_key(account: Account) -> str:
    return f"agent_draft:{account.pk}"


def read_draft(request: HttpRequest, account: Account) -> Draft:
    draft = request.session.get(draft_key(account))
    return dict(draft) if isinstance(draft, dict) else {}


def keep(request: HttpRequest, account: Account, **more: Any) -> None:
    request.session[draft_key(account)] = {**read_draft(request, account), **more}


def first_open_step(draft: Draft) -> str:
    for step in STEPS[:-1]:
        if step not in draft:
            return step
    return "check"


@require_http_methods(["GET", "POST"])
@for_members("owner", "developer")
@fresh_factor
def new_agent(request: HttpRequest, account: Account, membership: Membership, step: str = "") -> HttpResponse:
    """One step. Whoever jumps ahead of a step that is not done is led back to it."""
    draft = read_draft(request, account)
    open_step = first_open_step(draft)
    if step not in STEPS or STEPS.index(step) > STEPS.index(open_step):
        return redirect("agent_new_step", account_id=account.pk, step=open_step)
    return PAGES[step](request, account, draft)


def about(request: HttpRequest, account: Account, draft: Draft) -> HttpResponse:
    form = About(request.POST or None, initial=draft.get("about"))
    if request.method == "POST" and form.is_valid():
        keep(request, account, about=form.cleaned_data)
        return redirect("agent_new_step", account_id=account.pk, step="key")
    return show(request, account, "about", form=form)


def key(request: HttpRequest, account: Account, draft: Draft) -> HttpResponse:
    form = Key(request.POST or None, initial={"jwk": draft.get("key", "")})
    if request.method == "POST" and form.is_valid():
        keep(request, account, key=form.cleaned_data["jwk"])
        return redirect("agent_new_step", account_id=account.pk, step="scopes")
    return show(request, account, "key", form=form)


def scopes(request: HttpRequest, account: Account, draft: Draft) -> HttpResponse:
    rows = rows_for(account, draft)
    form = Scopes(request.POST if request.method == "POST" else None, rows=rows)
    if request.method == "POST" and form.is_valid():
        keep(request, account, scopes=form.cleaned_data["scopes"])
        return redirect("agent_new_step", account_id=account.pk, step="check")
    chosen = request.POST.getlist("scopes") if request.method == "POST" else draft.get("scopes", [])
    return show(request, account, "scopes", form=form, rows=rows, chosen=chosen)


def check(request: HttpRequest, account: Account, draft: Draft) -> HttpResponse:
    form = Scopes({"scopes": draft["scopes"]}, rows=rows_for(account, draft))
    if not form.is_valid():
        messages.error(request, _("A scope you chose is no longer offered to this account. Choose again."))
        return redirect("agent_new_step", account_id=account.pk, step="scopes")
    public = parse_public_jwk(draft["key"])
    chosen = form.by_service()
    if request.method != "POST":
        services = Service.objects.filter(pk__in=chosen).order_by("name")
        grants = [(service, chosen[service.pk]) for service in services]
        return show(request, account, "check", draft=draft, public=public, grants=grants)
    try:
        agent = register(account, draft, chosen, actor=f"user:{request.user.pk}")
    except RegistrationRefused as refused:
        messages.error(request, _("The agent was not registered: %s.") % refused)
        return redirect("agent_new_step", account_id=account.pk, step="key")
    request.session.pop(draft_key(account), None)
    messages.success(request, _("%s is registered. Give it the file with its private key.") % agent.name)
    return redirect("agent", account_id=account.pk, agent_id=agent.client_id)


def register(account: Account, draft: Draft, chosen: dict[str, list[str]], *, actor: str) -> Agent:
    now = clock.now()
    agent = register_agent(
        account_id=account.pk, **draft["about"], key=parse_public_jwk(draft["key"]), actor=actor, now=now
    )
    for service in Service.objects.filter(pk__in=chosen):
        set_grant(agent, service, chosen[service.pk], actor=actor, now=now)
    return agent


def rows_for(account: Account, draft: Draft) -> list[ServiceRow]:
    return service_rows(account.pk, draft["about"]["environment"], clock.now())


def show(request: HttpRequest, account: Account, step: str, **more: Any) -> HttpResponse:
    steps = [(name, NAMES[name], name == step, STEPS.index(name) < STEPS.index(step)) for name in STEPS]
    page = {"section": "agents", "step": step, "steps": steps, "separator": SEPARATOR, **more}
    return render(request, f"passport_portal/new_{step}.html", page)


PAGES = {"about": about, "key": key, "scopes": scopes, "check": check}
