"""What one account used, for staff: the same sums and timeline that its members see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.owners.models import Account
from accounts.portal.access import staff
from foundation import clock
from passport.usage import pages


@require_safe
@staff("analyst", "approver", "auditor")
def account_usage(request: HttpRequest, account_id: str) -> HttpResponse:
    found = get_object_or_404(Account, pk=account_id)
    context = pages.usage_context(found.pk, pages.wanted_of(request.GET), clock.now())
    return render(request, "safety/usage.html", {"section": "accounts", "subject": found, **context})


@require_safe
@staff("analyst", "approver", "auditor")
def account_timeline(request: HttpRequest, account_id: str) -> HttpResponse:
    found = get_object_or_404(Account, pk=account_id)
    context = pages.timeline_context(found.pk, pages.wanted_of(request.GET), clock.now())
    return render(
        request, "safety/credential_timeline.html", {"section": "accounts", "subject": found, **context}
    )
