"""Turns results and refusals into HTTP: the one place that knows how (RFC 6749 section 5)."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.http import HttpRequest, JsonResponse

from foundation import clock
from foundation.logs import route_of
from passport.conf import issuer
from passport.errors import InvalidClient, OAuthError, TemporarilyUnavailable, UseDpopNonce
from passport.proofs import nonces

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FORBIDDEN = str.maketrans({'"': "'", "\\": "/"})
RETRY_SECONDS = 2
"""When a store is down and nobody knows for how long."""


def answer(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    return JsonResponse(dict(content), status=status, headers={**NO_STORE, **(headers or {})})


def answer_refusal(refusal: OAuthError, request: HttpRequest) -> JsonResponse:
    """RFC 6749 section 5.2: ``error``, a description to act on, and where more is said."""
    log.info(
        "oauth_refused",
        path=route_of(request),
        status=refusal.status,
        error=refusal.code,
        reason=refusal.uri_reason,
    )
    content = {
        "error": refusal.code,
        "error_description": describe(refusal.description),
        "error_uri": f"{issuer()}/docs/errors#{refusal.uri_reason or refusal.code}",
    }
    return answer(content, status=refusal.status, headers=_headers(refusal, request))


def describe(text: str) -> str:
    """Only the characters that section 5.2 allows: printable ASCII without quote and backslash."""
    plain = text.translate(FORBIDDEN)
    return "".join(character if " " <= character <= "~" else "?" for character in plain)


def _headers(refusal: OAuthError, request: HttpRequest) -> dict[str, str]:
    headers = dict(refusal.headers)
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    elif isinstance(refusal, TemporarilyUnavailable):
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    if isinstance(refusal, UseDpopNonce):
        headers.setdefault("DPoP-Nonce", nonces.issue(clock.now()))
    # Some clients hide the body's error behind a challenge that they did not ask for.
    if isinstance(refusal, InvalidClient) and "Authorization" in request.headers:
        headers.setdefault("WWW-Authenticate", f'Basic realm="{issuer()}", charset="UTF-8"')
    return headers
