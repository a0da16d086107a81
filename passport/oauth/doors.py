"""What the doors of the protocol have in common: methods, CORS, refusals, a database that is away."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from foundation.logs import route_of
from passport.errors import InvalidRequest, OAuthError, TemporarilyUnavailable
from passport.oauth.answers import NO_STORE, answer_refusal

log = structlog.get_logger()

ALLOWED_HEADERS = "Authorization, Content-Type, DPoP, MCP-Protocol-Version"
EXPOSED_HEADERS = "DPoP-Nonce, WWW-Authenticate, RateLimit, RateLimit-Policy, Retry-After"
PREFLIGHT_SECONDS = "7200"

type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]


def oauth_door[**P](*methods: str, cors: bool = True) -> Callable[[View[P]], View[P]]:
    """Decorate the view of one endpoint.

    Other methods get 405 with ``Allow``. An OAuthError becomes its answer; a database that does
    not answer is 503 with ``Retry-After`` (TOK-14, INTR-07, REV-05). With ``cors`` any origin may
    call it, without cookies: it holds no session. Cross-site forgery has nothing to forge.
    """

    def decorate(view: View[P]) -> View[P]:
        @csrf_exempt
        @wraps(view)
        def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if cors and request.method == "OPTIONS":
                response = _preflight(methods)
            elif request.method not in methods:
                response = _wrong_method(request, methods)
            else:
                response = _answered(view, request, *args, **kwargs)
            if cors:
                response.headers["Access-Control-Allow-Origin"] = "*"
                response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            return response

        return door

    return decorate


def _answered[**P](view: View[P], request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
    try:
        return view(request, *args, **kwargs)
    except OAuthError as refusal:
        return answer_refusal(refusal, request)
    except (OperationalError, InterfaceError) as away:
        log.error("database_unavailable", path=route_of(request), error=type(away).__name__)
        return answer_refusal(TemporarilyUnavailable("the server cannot decide now; try again"), request)


def _wrong_method(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    allow = ", ".join(methods)
    refusal = InvalidRequest(f"use {allow}", status=405, headers={"Allow": allow})
    return answer_refusal(refusal, request)


def _preflight(methods: tuple[str, ...]) -> HttpResponse:
    response = HttpResponse(status=204, headers=NO_STORE)
    response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    patch_vary_headers(response, ["Access-Control-Request-Headers"])
    return response
