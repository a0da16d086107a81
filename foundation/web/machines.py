"""The short way to doors that only machines use, and often: no session, no messages, no page around it."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, resolve

from foundation.web.requests import id_of

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}
"""As strict as anything that the long way adds: such an answer is never shown as a page."""


class MachineDoorsMiddleware:
    """A POST to ``MACHINE_PATHS``, and whatever comes to ``GATEWAY_PATHS``, goes straight to its view.

    Left out are only parts that these views do not use: static files, sessions, sign-in, messages,
    the form token (they take no cookie, so there is nothing to forge), pages for browsers. A host
    that is not ours is refused as everywhere. A test holds both ways against each other.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.paths: frozenset[str] = frozenset(settings.MACHINE_PATHS)
        self.any_method: frozenset[str] = frozenset(settings.GATEWAY_PATHS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path not in self.any_method and (request.method != "POST" or path not in self.paths):
            return self.get_response(request)
        request.get_host()
        request.request_id = id_of(request)  # type: ignore[attr-defined]
        match = door_at(request.path_info)
        request.resolver_match = match
        view: Any = match.func
        response: HttpResponse = view(request, *match.args, **match.kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.headers.setdefault("X-Request-ID", request.request_id)  # type: ignore[attr-defined]
        return response


@lru_cache(maxsize=32)
def door_at(path: str) -> ResolverMatch:
    """Routes do not change in the life of a process, and the paths are few."""
    return resolve(path)
