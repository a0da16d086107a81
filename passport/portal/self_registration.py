"""Lets a program register itself as an agent of the account: makes the token that lets it in, once."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.agents.models import Agent
from passport.agents.tokens import INITIAL_LIFE, make_initial_token
from passport.conf import issuer
from passport.portal.agents import MAKERS, actor_of


class Where(forms.Form):
    environment = forms.ChoiceField(
        label=_("Environment"),
        choices=Agent.Environment.choices,
        widget=forms.RadioSelect,
        initial=Agent.Environment.SANDBOX,
        help_text=_("A sandbox agent reaches sandbox services only. It cannot be changed later."),
    )


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def self_registration(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """The token is in the answer to the POST that made it, and nowhere else: the page is not stored."""
    form = Where(request.POST or None)
    page: dict[str, Any] = {"section": "agents", "form": form, "endpoint": f"{issuer()}/oauth/register"}
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        page["token"] = make_initial_token(
            account.pk, form.cleaned_data["environment"], actor=actor_of(request), now=now
        )
        page["expires_at"] = now + INITIAL_LIFE
    response = render(request, "passport_portal/self_registration.html", page)
    response.headers["Cache-Control"] = "private, no-store"
    return response
