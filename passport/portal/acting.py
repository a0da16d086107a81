"""Who may act for an agent: its sub-agents, and services that act on."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.acting.rules import RuleRefused, allow_agent, allow_service, forbid
from passport.agents.models import Agent
from passport.portal.agents import MAKERS, actor_of, get_agent
from passport.portal.reading import rules_of
from passport.services.models import Service

SHOWN = 200
"""Choices of a kind: accounts with more agents name the rule where they register the agent."""


class Actor(forms.Form):
    who = forms.ChoiceField(
        label=gettext_lazy("Who may act"),
        help_text=gettext_lazy("An agent of yours by its own passport, a service by its own key."),
    )

    def __init__(self, *args: Any, agent: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agents = {f"agent {other.client_id}": other for other in _other_agents(agent)}
        self.services = {f"service {service.pk}": service for service in _services(agent)}
        who = self.fields["who"]
        assert isinstance(who, forms.ChoiceField)
        who.choices = [
            (_("Agents"), [(value, other.name) for value, other in self.agents.items()]),
            (_("Services"), [(value, service.name) for value, service in self.services.items()]),
        ]


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def acting(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    form = Actor(request.POST if request.method == "POST" else None, agent=agent)
    if request.method == "POST" and form.is_valid():
        try:
            _allow(agent, form, actor_of(request))
        except RuleRefused as refused:
            form.add_error("who", str(refused))
        else:
            messages.success(request, _("Allowed, from the next token on."))
            return redirect("agent_acting", account_id=account.pk, agent_id=agent.client_id)
    page = {"section": "agents", "agent": agent, "form": form, "rules": rules_of(agent)}
    return render(request, "passport_portal/acting.html", page)


@require_POST
@for_members(*MAKERS)
@fresh_factor
def end_acting(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str, rule_id: int
) -> HttpResponse:
    agent = get_agent(account, agent_id)
    if not forbid(agent, rule_id, by=actor_of(request), now=clock.now()):
        raise Http404("no such rule")
    messages.success(request, _("It may not act any more. Tokens that it has end within five minutes."))
    return redirect("agent_acting", account_id=account.pk, agent_id=agent.client_id)


def _allow(agent: Agent, form: Actor, by: str) -> None:
    chosen, now = form.cleaned_data["who"], clock.now()
    if chosen in form.agents:
        allow_agent(agent, form.agents[chosen], by=by, now=now)
    else:
        allow_service(agent, form.services[chosen], by=by, now=now)


def _other_agents(agent: Agent) -> list[Agent]:
    rows = Agent.objects.filter(
        account=agent.account_id, environment=agent.environment, state=Agent.State.ACTIVE
    ).exclude(pk=agent.pk)
    return list(rows.order_by("name", "pk")[:SHOWN])


def _services(agent: Agent) -> list[Service]:
    rows = Service.objects.filter(environment=agent.environment, enabled=True)
    return list(rows.order_by("name", "pk")[:SHOWN])
