"""The verification pages: what is proven, what it unlocks, and the way to a provider and back."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members
from attestation import conf
from attestation.contract import ProviderError
from attestation.evidence.begin import LEVELS, NoTriesLeft, Wanted
from attestation.evidence.models import Attestation
from attestation.inbox.apply import ask_to_refresh
from attestation.portal.begin import begin
from attestation.portal.panels import latest_of_each, panels_of, stamp_of
from attestation.providers.registry import find_offered, providers
from foundation import clock
from foundation.web.policies import allow_form_target

ENVIRONMENTS: Final = ("sandbox", "live")


@require_safe
@for_members("owner")
def verification(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    return show(request, account, environment_of(request.GET.get("environment")))


@require_GET
@for_members("owner")
def news(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """The panels anew, or 204 where nothing changed since ``seen``: focus stays where it is."""
    environment = environment_of(request.GET.get("environment"))
    panels = panels_of(account.pk, environment, clock.now())
    if request.GET.get("seen") == stamp_of(panels):
        return HttpResponse(status=204)
    return show(request, account, environment, template="verification/panels.html")


@require_POST
@for_members("owner")
def start(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    environment = environment_of(request.POST.get("environment"))
    kind, level = request.POST.get("kind", ""), request.POST.get("level", "")
    if level not in LEVELS.get(kind, ()):
        raise Http404("no such proof")
    provider = find_offered(kind, environment)
    if provider is None:
        return show(request, account, environment, status=409)
    try:
        address = begin(
            provider,
            Wanted(account.pk, environment, kind, level, provider.name),
            return_url=conf.issuer() + reverse("verification_return", args=[account.pk]),
            actor=f"user:{membership.user_id}",
            now=clock.now(),
        )
    except NoTriesLeft:
        return show(request, account, environment, status=409)
    except ProviderError:
        return show(request, account, environment, status=503, away=provider.title)
    return HttpResponseRedirect(address)


@require_POST
@for_members("owner")
def ask(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """Ask the providers now about what is unfinished, in case their webhooks were lost."""
    environment = environment_of(request.POST.get("environment"))
    for row in latest_of_each(account.pk, environment).values():
        ask_to_refresh(row.pk)
    messages.info(request, gettext("The provider is being asked. The page follows by itself."))
    return redirect_to(account, environment)


@require_safe
@for_members("owner")
def came_back(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """Where the provider leads back to. The reference says which page to show, nothing else."""
    row = Attestation.objects.filter(pk=request.GET.get("ref", "")[:64], account=account).first()
    if row is None:
        raise Http404("no such reference")
    return redirect_to(account, row.environment)


def environment_of(text: str | None) -> str:
    if text is None:
        return ENVIRONMENTS[0]
    if text not in ENVIRONMENTS:
        raise Http404("no such environment")
    return text


def redirect_to(account: Account, environment: str) -> HttpResponse:
    return redirect(f"{reverse('verification', args=[account.pk])}?environment={environment}")


def show(
    request: HttpRequest,
    account: Account,
    environment: str,
    *,
    status: int = 200,
    away: str = "",
    template: str = "verification/page.html",
) -> HttpResponse:
    panels = panels_of(account.pk, environment, clock.now())
    context = {
        "section": "verification",
        "account": account,
        "environment": environment,
        "environments": ENVIRONMENTS,
        "panels": panels,
        "stamp": stamp_of(panels),
        "moves": any(panel.moves for panel in panels),
        "offered": any(panel.offers for panel in panels),
        "away": away,
    }
    response = render(request, template, context, status=status)
    for provider in providers():
        allow_form_target(response, provider.origin)
    return response
