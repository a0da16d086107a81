"""What an account used: meters, charts, the timeline of its credentials, and both as files."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members
from foundation import clock
from foundation.web.streams import stream
from passport.conf import issuer
from passport.usage import pages


@require_GET
@for_members()
def usage(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    context = pages.usage_context(account.pk, pages.wanted_of(request.GET), clock.now())
    return render(request, "passport_portal/usage.html", {"section": "usage", **context})


@require_GET
@for_members()
def timeline(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    context = pages.timeline_context(account.pk, pages.wanted_of(request.GET), clock.now())
    return render(request, "passport_portal/timeline.html", {"section": "usage", **context})


@require_GET
@for_members()
def usage_export(request: HttpRequest, account: Account, membership: Membership) -> HttpResponseBase:
    return _sent(request, pages.export_usage(account.pk, pages.wanted_of(request.GET), clock.now()))


@require_GET
@for_members()
def timeline_export(request: HttpRequest, account: Account, membership: Membership) -> HttpResponseBase:
    wanted = pages.wanted_of(request.GET)
    return _sent(request, pages.export_timeline(account.pk, wanted, clock.now(), issuer=issuer()))


def _sent(request: HttpRequest, file: pages.Download) -> HttpResponseBase:
    return stream(request, file.chunks, content_type=file.content_type, filename=file.filename)
