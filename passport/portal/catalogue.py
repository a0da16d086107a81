"""What services offer to an account, and what restricts it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members
from attestation.evidence.standing import levels_of
from foundation import clock
from passport.agents.models import Agent
from passport.portal.agents import MAKERS
from passport.portal.reading import notices_for
from passport.standing.offers import service_rows


@require_GET
@for_members()
def services(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    asked = request.GET.get("environment", "")
    environment = asked if asked in Agent.Environment.values else Agent.Environment.SANDBOX.value
    now = clock.now()
    page = {
        "section": "services",
        "environment": environment,
        "rows": service_rows(account.pk, environment, now),
        "levels": levels_of(account.pk, environment, now),
        "may_make": membership.role in MAKERS,
    }
    return render(request, "passport_portal/services.html", page)


@require_GET
@for_members()
def notices(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    page = {"section": "notices", "notices": notices_for(account.pk)}
    return render(request, "passport_portal/notices.html", page)
