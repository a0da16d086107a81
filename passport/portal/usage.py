"""What an account used: meters, charts, the timeline of its credentials, and both as files."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members
from foundation import clock
from passport.conf import issuer
from passport.usage import pages


@require_GET
@for_members()
def usage(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    context = pages.usage_context(account.pk, pages.wanted_of(request), clock.now())
    return render(request, "passport_portal/usage.html", {"section": "usage", **context})


@require_GET
@for_members()
def timeline(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    context = pages.timeline_context(account.pk, pages.wanted_of(request), clock.now())
    return render(request, "passport_portal/timeline.html", {"section": "usage", **context})


@require_GET
@for_members()
def usage_export(request: HttpRequest, account: Account, membership: Membership) -> HttpResponseBase:
    return pages.export_usage(request, account.pk, pages.wanted_of(request), clock.now())


@require_GET
@for_members()
def timeline_export(request: HttpRequest, account: Account, membership: Membership) -> HttpResponseBase:
    wanted = pages.wanted_of(request)
    return pages.export_timeline(request, account.pk, wanted, clock.now(), issuer=issuer())
