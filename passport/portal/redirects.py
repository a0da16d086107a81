"""Where an agent may send people's answers: without any it cannot ask them."""

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
from passport.agents.redirect_uris import NATIVE, WEB, BadRedirectUri
from passport.agents.registration import RegistrationRefused, set_redirect_uris
from passport.portal.agents import MAKERS, actor_of, get_agent


class Redirects(forms.Form):
    uris = forms.CharField(
        label=gettext_lazy("Redirect URIs"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("One a line, compared character by character. None: it asks nobody."),
    )
    application_type = forms.ChoiceField(
        label=gettext_lazy("It runs"),
        choices=[(WEB, gettext_lazy("On a server")), (NATIVE, gettext_lazy("On people's own computers"))],
        widget=forms.RadioSelect,
        help_text=gettext_lazy("On people's computers it may also be answered on localhost, at any port."),
    )


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def redirects(request: HttpRequest, account: Account, membership: Membership, agent_id: str) -> HttpResponse:
    agent = get_agent(account, agent_id)
    held = {"uris": "\n".join(agent.redirect_uris.split()), "application_type": agent.application_type}
    form = Redirects(request.POST or None, initial=held)
    if request.method == "POST" and form.is_valid():
        try:
            set_redirect_uris(
                agent,
                form.cleaned_data["uris"].split(),
                application_type=form.cleaned_data["application_type"],
                actor=actor_of(request),
                now=clock.now(),
            )
        except (BadRedirectUri, RegistrationRefused) as bad:
            form.add_error("uris", str(bad))
        else:
            messages.success(request, _("Saved."))
            return redirect("agent", account_id=account.pk, agent_id=agent.client_id)
    page = {"section": "agents", "agent": agent, "form": form}
    return render(request, "passport_portal/redirects.html", page)
