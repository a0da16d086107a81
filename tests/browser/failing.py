"""The server's own paths, and one for each way in which a request fails."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from config import urls
from foundation.web.failures import unavailable

handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def fail(request: HttpRequest, status: int) -> HttpResponse:
    match status:
        case 400:
            raise SuspiciousOperation("malformed")
        case 403:
            raise PermissionDenied
        case 429:
            return render(request, "429.html", status=429)
        case 503:
            return unavailable(
                request, "Sign-ups are paused", "Try again in an hour.", retry_after_seconds=3600
            )
        case _:
            raise RuntimeError("broken on purpose")


urlpatterns = [path("fail/<int:status>", fail), *urls.urlpatterns]
