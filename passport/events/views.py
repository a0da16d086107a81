"""GET /v1/events: the feed, for services that verify offline (DESIGN section 7)."""

import re

import structlog
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from foundation import clock
from foundation.web.problems import OVERLOAD, problem
from passport.admission.presented import admit_service
from passport.conf import issuer
from passport.errors import OAuthError
from passport.events.stream import FEED, follow, in_thread
from passport.proofs.service_tokens import Presented

log = structlog.get_logger()

SCOPE = "events.read"
POSITION = re.compile("[0-9]{1,18}")
UNKNOWN = -1
"""A position that no reader can have: everything has to be fetched anew."""


@require_GET
async def events(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events. Needs an ASGI server: a WSGI worker would be held for minutes."""
    if not isinstance(request, ASGIRequest):
        return problem(
            503,
            "feed-elsewhere",
            "The feed is not served here",
            "This process speaks WSGI. Route /v1/events to the ASGI process (config.asgi).",
        )
    try:
        await in_thread(admit_reader, request)
    except OAuthError as refusal:
        return problem(refusal.status, refusal.code, "Refused", refusal.description, headers=refusal.headers)
    except (DatabaseError, InterfaceError) as away:
        log.error("feed_unavailable", error=type(away).__name__)
        return problem(503, OVERLOAD, "Unavailable", "Connect again.", headers={"Retry-After": "1"})
    return StreamingHttpResponse(
        follow(FEED, read_position(request.headers.get("Last-Event-ID"))),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def admit_reader(request: HttpRequest) -> None:
    """Raises as ``admit_service``."""
    presented = Presented.of(request.headers, method=request.method, url=issuer() + request.path)
    admit_service(presented, scope=SCOPE, issuer=issuer(), now=clock.now())


def read_position(given: str | None) -> int | None:
    """``Last-Event-ID``: None for a new reader, UNKNOWN for what is no position of ours."""
    if given is None or given == "":
        return None
    return int(given) if POSITION.fullmatch(given) else UNKNOWN
