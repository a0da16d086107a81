"""An account's agents: the list, one agent, its keys, its scopes, its pauses."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from foundation.web.paging import keyset
from passport.agents.models import Agent, AgentKey
from passport.agents.registration import RegistrationRefused, add_key, close_agent
from passport.credentials.models import IssueRecord, Passport
from passport.fields import Effect
from passport.portal.forms import SEPARATOR, Key, Scopes
from passport.portal.reading import (
    OWNER_PAUSED,
    limit_words,
    notices_for,
    rules_of,
    workloads_of,
)
from passport.restrictions.effective import strongest
from passport.restrictions.models import Restriction
from passport.restrictions.place import CannotLift, SubjectRef, lift, place
from passport.restrictions.subjects import ENVIRONMENTS
from passport.revocation.by_holder import end_key as end_key_of
from passport.services.models import AgentGrant, Service
from passport.services.registration import set_grant
from passport.standing.offers import service_rows
from passport.standing.states import WORDS, account_effect, agent_rows, key_rows, passport_word, word_of

MAKERS = ("owner", "developer")


def agents_of(account: Account) -> QuerySet[Agent]:
    return Agent.objects.filter(account=account)


def get_agent(account: Account, agent_id: str) -> Agent:
    """404 for another account's agent, as for one that does not exist."""
    agent = agents_of(account).filter(client_id=agent_id).first()
    if agent is None:
        raise Http404("no such agent")
    return agent


def actor_of(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


@require_GET
@for_members()
def agent_list(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    environment = request.GET.get("environment", "")
    agents = agents_of(account)
    if environment in Agent.Environment.values:
        agents = agents.filter(environment=environment)
    found = keyset(agents, request)
    page = {
        "section": "agents",
        "page": found,
        "rows": agent_rows(found.rows, account.pk, clock.now()),
        "environment": environment,
        "may_make": membership.role in MAKERS,
        "account_word": WORDS[strongest(account_effect(account.pk, name) for name in ENVIRONMENTS)],
    }
    return render(request, "passport_portal/agents.html", page)


@require_GET
@for_members()
def agent_page(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    now = clock.now()
    grants = list(AgentGrant.objects.filter(agent=agent).select_related("service").order_by("service__name"))
    page = {
        "section": "agents",
        "agent": agent,
        "word": word_of(agent, account_effect(account.pk, agent.environment)),
        "keys": key_rows(agent, now),
        "grants": [(grant.service, grant.scopes.split(), limit_words(grant)) for grant in grants],
        "rules": rules_of(agent),
        "workloads": workloads_of(agent),
        "passports": passports_of(agent),
        "tokens": IssueRecord.objects.filter(agent=agent.client_id).order_by("-issued_at")[:20],
        "paused": own_pauses(agent).exists(),
        "notices": [notice for notice in notices_for(account.pk) if notice.lifted_at is None],
        "may_make": membership.role in MAKERS,
        "issuer": settings.ISSUER,
        "first_grant": grants[0] if grants else None,
        "now": now,
    }
    return render(request, "passport_portal/agent.html", page)


def passports_of(agent: Agent) -> list[tuple[Passport, str]]:
    now = clock.now()
    rows = Passport.objects.filter(agent=agent).select_related("key").order_by("-issued_at")[:5]
    return [(row, passport_word(row, now)) for row in rows]


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def new_key(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    form = Key(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_key(agent, form.public, actor=actor_of(request), now=clock.now())
        except RegistrationRefused as refused:
            form.add_error("jwk", str(refused))
        else:
            messages.success(request, _("The key is added. Retire the old one when the agent uses it."))
            return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
    page = {"section": "agents", "agent": agent, "form": form}
    return render(request, "passport_portal/add_key.html", page)


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def end_key(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str, key_id: str
) -> HttpResponse:
    """Retire a key, or report it stolen: then all that is bound to it is refused at once, for good."""
    agent = get_agent(account, agent_id)
    key = AgentKey.objects.filter(agent=agent, pk=key_id, retired_at=None).first()
    if key is None:
        raise Http404("no such key")
    if request.method == "POST":
        return _end_key(request, account, agent, key)
    others = AgentKey.objects.filter(agent=agent, retired_at=None).exclude(pk=key.pk).exists()
    page = {"section": "agents", "agent": agent, "key": key, "is_last": not others}
    return render(request, "passport_portal/end_key.html", page)


def _end_key(request: HttpRequest, account: Account, agent: Agent, key: AgentKey) -> HttpResponse:
    stolen = request.POST.get("why") == "stolen"
    end_key_of(key, account.pk, stolen=stolen, actor=actor_of(request), now=clock.now())
    messages.success(request, _("The key no longer works."))
    return redirect("agent", account_id=account.pk, agent_id=agent.client_id)


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def scopes(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    held = list(AgentGrant.objects.filter(agent=agent))
    rows = service_rows(account.pk, agent.environment, clock.now(), held)
    form = Scopes(request.POST if request.method == "POST" else None, rows=rows)
    if request.method == "POST" and form.is_valid():
        chosen = form.by_service()
        for service in Service.objects.filter(pk__in={*chosen, *(grant.service_id for grant in held)}):
            wanted = chosen.get(service.pk, [])
            set_grant(agent, service, wanted, actor=actor_of(request), now=clock.now())
        messages.success(request, _("The scopes are set. They hold from the next token on."))
        return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
    chosen_now = [f"{grant.service_id}{SEPARATOR}{name}" for grant in held for name in grant.scopes.split()]
    page = {"section": "agents", "agent": agent, "form": form, "rows": rows, "chosen": chosen_now}
    return render(request, "passport_portal/scopes.html", {**page, "separator": SEPARATOR})


def own_pauses(agent: Agent) -> QuerySet[Restriction]:
    return Restriction.objects.filter(
        subject_type="agent", subject_id=agent.client_id, reason=OWNER_PAUSED, lifted_at=None
    )


def pause(request: HttpRequest, account: Account, agent: Agent) -> str:
    subject = SubjectRef("agent", agent.client_id, account.pk)
    if not own_pauses(agent).exists():
        actor = actor_of(request)
        place([subject], effect=Effect.SUSPEND, reason=OWNER_PAUSED, actor=actor, now=clock.now())
    return _("%s is paused: services refuse it from now.")


def resume(request: HttpRequest, account: Account, agent: Agent) -> str:
    ids = list(own_pauses(agent).values_list("pk", flat=True))
    try:
        lift(ids, actor=actor_of(request), now=clock.now(), reason="resumed_by_owner")
    except CannotLift:
        raise Http404("nothing to resume") from None
    return _("%s may work again, as far as nothing else restricts it.")


def close(request: HttpRequest, account: Account, agent: Agent) -> str:
    close_agent(agent, actor=actor_of(request), now=clock.now())
    return _("%s is closed. Its credentials are no longer good.")


ACTIONS: dict[str, Callable[[HttpRequest, Account, Agent], str]] = {
    "pause": pause,
    "resume": resume,
    "close": close,
}


@require_POST
@for_members(*MAKERS)
@fresh_factor
def act(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str, action: str
) -> HttpResponse:
    agent = get_agent(account, agent_id)
    step: Any = ACTIONS.get(action)
    if step is None:
        raise Http404("no such action")
    said = step(request, account, agent)
    messages.success(request, said % agent.name)
    return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
