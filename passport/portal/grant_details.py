"""What an agent may spend and what data it may move at one service."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.exchange.details import PERIODS, Data, Detail, Malformed, Spend, read_details
from passport.portal.agents import MAKERS, actor_of, get_agent
from passport.services.grant_details import set_details
from passport.services.models import AgentGrant

PERIOD_NAMES = {
    "once": gettext_lazy("in all"),
    "day": gettext_lazy("a day"),
    "week": gettext_lazy("a week"),
    "month": gettext_lazy("a month"),
    "year": gettext_lazy("a year"),
}
CHOICES = [(period, PERIOD_NAMES[period]) for period in PERIODS]


class Limits(forms.Form):
    """One limit of each type. An empty part allows nothing of its kind."""

    amount = forms.CharField(label=gettext_lazy("Spend up to"), max_length=16, required=False)
    currency = forms.CharField(
        label=gettext_lazy("Currency"), max_length=3, required=False, help_text=gettext_lazy("Such as EUR.")
    )
    spend_period = forms.ChoiceField(label=gettext_lazy("How often"), choices=CHOICES, initial="month")
    datatypes = forms.CharField(
        label=gettext_lazy("Kinds of data"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("Names that the service uses, separated by spaces."),
    )
    volume = forms.IntegerField(
        label=gettext_lazy("Bytes at most"),
        required=False,
        help_text=gettext_lazy("Empty: no bound on how much of these kinds."),
    )
    data_period = forms.ChoiceField(label=gettext_lazy("How often"), choices=CHOICES, initial="day")

    details: tuple[Detail, ...] = ()

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        claims = [claim for claim in (_spend(given), _data(given)) if claim]
        try:
            self.details = read_details(claims) if claims else ()
        except Malformed as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return given


def _spend(given: dict[str, Any]) -> dict[str, Any] | None:
    if not given.get("amount"):
        return None
    return {
        "type": "spend",
        "currency": given.get("currency", "").upper(),
        "amount": given["amount"],
        "period": given.get("spend_period"),
    }


def _data(given: dict[str, Any]) -> dict[str, Any] | None:
    kinds = given.get("datatypes", "").split()
    if not kinds:
        return None
    claim: dict[str, Any] = {"type": "data", "datatypes": kinds}
    if given.get("volume") is not None:
        claim |= {"volume": given["volume"], "period": given.get("data_period")}
    return claim


def initial_of(grant: AgentGrant) -> dict[str, Any]:
    """What the form shows of the limits that hold."""
    shown: dict[str, Any] = {}
    for detail in read_details(grant.authorization_details) if grant.authorization_details else ():
        if isinstance(detail, Spend):
            shown |= {
                "amount": str(detail.amount),
                "currency": detail.currency,
                "spend_period": detail.period,
            }
        elif isinstance(detail, Data):
            shown |= {"datatypes": " ".join(sorted(detail.datatypes)), "volume": detail.volume}
            shown |= {"data_period": detail.period} if detail.period else {}
    return shown


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def grant_limits(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str, service_id: str
) -> HttpResponse:
    agent = get_agent(account, agent_id)
    grant = AgentGrant.objects.filter(agent=agent, service=service_id).select_related("service").first()
    if grant is None:
        raise Http404("no such grant")
    posted = request.POST if request.method == "POST" else None
    form = Limits(posted, initial=initial_of(grant))
    if request.method == "POST" and form.is_valid():
        claims = [detail.claim() for detail in form.details]
        set_details(agent, grant.service, claims, actor=actor_of(request), now=clock.now())
        messages.success(request, _("The limits are set. They hold from the next token on."))
        return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
    page = {"section": "agents", "agent": agent, "service": grant.service, "form": form}
    return render(request, "passport_portal/grant_limits.html", page)
