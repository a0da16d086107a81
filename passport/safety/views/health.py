"""How the parts are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.portal.access import staff
from foundation import clock
from passport.safety.health import parts


@require_safe
@staff("auditor", "operator")
def health(request: HttpRequest) -> HttpResponse:
    return render(request, "safety/health.html", {"section": "health", "parts": parts(clock.now())})
