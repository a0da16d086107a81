"""Where an agent publishes its keys, instead of registering each of them here."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.agents.client_metadata import MOST_URL, read_url
from passport.agents.fetched_keys import publish_at, usable_keys
from passport.agents.models import Agent
from passport.agents.registration import Closed
from passport.errors import InvalidClientMetadata
from passport.portal.agents import MAKERS, actor_of, get_agent


class Place(forms.Form):
    jwks_uri = forms.CharField(
        label=gettext_lazy("URL of its key set"),
        max_length=MOST_URL,
        required=False,
        help_text=gettext_lazy(
            "https, a JWK set of at most 10 public keys. Empty: its keys are registered here one by one."
        ),
    )

    def clean_jwks_uri(self) -> str:
        given: str = self.cleaned_data["jwks_uri"]
        try:
            return read_url(given, "the URL") if given else ""
        except InvalidClientMetadata as bad:
            raise forms.ValidationError(bad.description) from bad


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def published_keys(
    request: HttpRequest, account: Account, membership: Membership, agent_id: str
) -> HttpResponse:
    agent = get_agent(account, agent_id)
    form = Place(request.POST or None, initial={"jwks_uri": agent.jwks_uri})
    if request.method == "POST" and form.is_valid():
        try:
            publish_at(agent, form.cleaned_data["jwks_uri"], actor=actor_of(request), now=clock.now())
        except Closed as closed:
            form.add_error("jwks_uri", str(closed))
        else:
            messages.success(request, _said(agent))
            return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
    page = {"section": "agents", "agent": agent, "form": form}
    return render(request, "passport_portal/published_keys.html", page)


def _said(agent: Agent) -> str:
    if not agent.jwks_uri:
        return _("Its keys are registered here one by one.")
    if found := usable_keys(agent, kid=None, now=clock.now()):
        return _("The address is kept. Usable keys found there: %s.") % len(found)
    return _("The address is kept. No usable key was found there yet: it is read again when needed.")
