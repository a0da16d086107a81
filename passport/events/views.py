"""GET /v1/events: the feed, for services that verify offline (DESIGN section 7)."""

import re

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from foundation import clock
from foundation.web.problems import problem
from passport.admission.presented import spend_proof
from passport.conf import issuer
from passport.errors import OAuthError
from passport.events.stream import FEED, follow, in_thread
from passport.proofs.service_tokens import Presented, find_service, read_service_token

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
        await in_thread(admit_reader, presented_by(request))
    except OAuthError as refusal:
        return problem(refusal.status, refusal.code, "Refused", refusal.description, headers=refusal.headers)
    return StreamingHttpResponse(
        follow(FEED, read_position(request.headers.get("Last-Event-ID"))),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def admit_reader(presented: Presented) -> None:
    """Raises InvalidToken, InvalidDpopProof, UseDpopNonce (401), AccessDenied (403)."""
    now = clock.now()
    token = read_service_token(presented, scope=SCOPE, issuer=issuer(), now=now)
    find_service(token, scope=SCOPE, issuer=issuer())
    spend_proof(token, issuer=issuer(), scope=SCOPE, now=now)


def presented_by(request: HttpRequest) -> Presented:
    """Servers join repeated headers by a comma, which no proof contains."""
    proof = request.headers.get("DPoP")
    proofs = () if proof is None else (proof,)
    return Presented(request.headers.get("Authorization"), proofs, "GET", issuer() + request.path)


def read_position(given: str | None) -> int | None:
    """``Last-Event-ID``: None for a new reader, UNKNOWN for what is no position of ours."""
    if given is None or given == "":
        return None
    return int(given) if POSITION.fullmatch(given) else UNKNOWN
