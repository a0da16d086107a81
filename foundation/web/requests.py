"""What every request carries: an id that pages and logs show, and for public documents our own host."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from foundation.ids import new_id

GOOD_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


ANY_HOST = ("/.well-known/", "/status", "/access/v1/gateway")


class OwnHostMiddleware:
    """Public documents are the same whatever ``Host`` a caller names: they are asked for under the issuer's.

    So is the door for gateways: Envoy asks it under the name of the service that it stands before.
    Elsewhere a strange host is refused (ALLOWED_HOSTS).
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(ANY_HOST):
            request.META["HTTP_HOST"] = urlsplit(settings.ISSUER).netloc
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return self.get_response(request)


class RequestIdMiddleware:
    """Gives each request an id and echoes it. A caller's own id is kept where it is harmless."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = id_of(request)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("X-Request-ID", request.request_id)  # type: ignore[attr-defined]
        return response


def id_of(request: HttpRequest) -> str:
    """The caller's own, or a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if GOOD_ID.fullmatch(given) else new_id("req")
