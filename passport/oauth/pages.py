"""The page that ``error_uri`` points at."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from passport.oauth.reasons import CODES, REASONS


@require_safe
@cache_control(public=True, max_age=300)
def error_reasons(request: HttpRequest) -> HttpResponse:
    return render(request, "oauth/reasons.html", {"codes": CODES, "reasons": REASONS})
