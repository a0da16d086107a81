"""Workloads that may ask for an agent's passport by the token that their platform gives them."""

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
from passport.agents.models import Agent
from passport.agents.registration import Closed
from passport.conf import issuer
from passport.portal.agents import MAKERS, actor_of, get_agent
from passport.portal.reading import workloads_of
from passport.workloads.models import WorkloadIssuer
from passport.workloads.registration import (
    MAX_ISSUER,
    MAX_SUBJECT,
    WorkloadRefused,
    add_workload,
    remove_workload,
)

GITHUB = "https://token.actions.githubusercontent.com"


class Workload(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Platform"), choices=WorkloadIssuer.Kind.choices)
    issuer = forms.CharField(
        label=gettext_lazy("Issuer"),
        max_length=MAX_ISSUER,
        strip=False,
        initial=GITHUB,
        help_text=gettext_lazy("Byte for byte as in iss of its tokens: an https URL."),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=MAX_SUBJECT,
        strip=False,
        help_text=gettext_lazy(
            "Byte for byte as in sub: repo:owner/name:ref:refs/heads/main, "
            "system:serviceaccount:namespace:name, spiffe://domain/path. No patterns."
        ),
    )
    binds_keys = forms.BooleanField(
        label=gettext_lazy("It may bring a key of its own"),
        required=False,
        help_text=gettext_lazy(
            "Then whoever steals one of its tokens before it is used gets a passport, bound to a key of "
            "theirs for a day. Without it the job also needs a registered key."
        ),
    )


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def workloads(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    form = Workload(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _added(agent, form, actor_of(request)):
        messages.success(request, _("The workload may ask for this agent's passport."))
        return redirect("agent_workloads", account_id=account.pk, agent_id=agent.client_id)
    page = {
        "section": "agents",
        "agent": agent,
        "form": form,
        "workloads": workloads_of(agent),
        "issuer": issuer(),
    }
    return render(request, "passport_portal/workloads.html", page)


@require_POST
@for_members(*MAKERS)
@fresh_factor
def end_workload(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str, workload_id: str
) -> HttpResponse:
    agent = get_agent(account, agent_id)
    if not remove_workload(agent, workload_id, by=actor_of(request), now=clock.now()):
        raise Http404("no such workload")
    messages.success(request, _("It gets no passport any more, and the keys that it brought are retired."))
    return redirect("agent_workloads", account_id=account.pk, agent_id=agent.client_id)


def _added(agent: Agent, form: Workload, by: str) -> bool:
    given: dict[str, Any] = form.cleaned_data
    try:
        add_workload(agent, **given, by=by, now=clock.now())
    except (WorkloadRefused, Closed) as refused:
        form.add_error("issuer" if "issuer" in str(refused) else "subject", str(refused))
        return False
    return True
