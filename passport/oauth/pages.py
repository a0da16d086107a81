"""The page that ``error_uri`` and the ``type`` of a problem point at."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from passport.oauth.problem_types import PROBLEMS, SERVICE_REASONS
from passport.oauth.reasons import CODES, REASONS


@require_safe
@cache_control(public=True, max_age=300)
def error_reasons(request: HttpRequest) -> HttpResponse:
    parts = {"codes": CODES, "reasons": REASONS, "services": SERVICE_REASONS, "problems": PROBLEMS}
    return render(request, "oauth/reasons.html", parts)
