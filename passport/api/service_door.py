"""What every path for services here does first. What is refused is a problem (RFC 9457)."""

from collections.abc import Callable
from functools import wraps

import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from foundation import clock
from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body
from foundation.web.problems import OVERLOAD, problem
from passport.admission.presented import admit_service
from passport.conf import issuer
from passport.errors import OAuthError
from passport.proofs.service_tokens import Presented
from passport.services.models import Service

log = structlog.get_logger()


type Answer = Callable[[Service, bytes], HttpResponse]


def for_services(scope: str, *, max_bytes: int) -> Callable[[Answer], Callable[[HttpRequest], HttpResponse]]:
    """POST with a service's own token that carries ``scope``; the view gets the service and the body."""

    def decorate(answer: Answer) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @require_POST
        @wraps(answer)
        def door(request: HttpRequest) -> HttpResponse:
            try:
                presented = Presented.of(request.headers, method=request.method, url=issuer() + request.path)
                service = admit_service(presented, scope=scope, issuer=issuer(), now=clock.now())
                return answer(service, _body(request, max_bytes))
            except OAuthError as refusal:
                headers = refusal.headers
                return problem(refusal.status, refusal.code, "Refused", refusal.description, headers=headers)
            except BodyTooLong:
                return problem(413, "too-long", "Too long", f"the body is longer than {max_bytes} bytes")
            except BodyUnreadable:
                return problem(400, "invalid-request", "Malformed", "the body could not be read")
            except (DatabaseError, InterfaceError) as away:
                log.error("service_door_unavailable", error=type(away).__name__, scope=scope)
                detail = "the server cannot take it now; send the same again"
                return problem(503, OVERLOAD, "Unavailable", detail, headers={"Retry-After": "5"})

        return door

    return decorate


def _body(request: HttpRequest, max_bytes: int) -> bytes:
    """Raises BodyTooLong, also for what is announced as such, and BodyUnreadable."""
    declared = request.headers.get("Content-Length") or "0"
    if not declared.isascii() or not declared.isdigit():
        raise BodyUnreadable
    if len(declared) > 18 or int(declared) > max_bytes:
        raise BodyTooLong
    return read_body(request, max_bytes)
