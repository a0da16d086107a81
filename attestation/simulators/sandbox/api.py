"""The sandbox provider's API, for its customer's server: JSON, a secret key, no browser.

Where the sandbox provider is switched off, none of its paths exists.
"""

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from attestation import conf
from attestation.simulators.models import SandboxDelivery, SandboxSession
from attestation.simulators.sandbox import sessions
from attestation.simulators.sandbox.magic import Standing
from foundation import clock
from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body

LONGEST_BODY_BYTES: Final = 16 * 1024
LISTED: Final = 500
WANTS: Final = {"identity": {"document"}, "payment": {"instrument", "charged"}}


class BadRequest(Exception):
    """The body is not what the call takes."""


def for_customers[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """404 when switched off, 401 without a live key, 400 for a bad body."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not conf.is_sandbox_offered():
            raise Http404
        if not has_live_key(request.headers.get("Authorization", "")):
            return answer_error(401, "unauthorized", **{"WWW-Authenticate": "Bearer"})
        try:
            return view(request, *args, **kwargs)
        except BadRequest as refused:
            return answer_error(400, str(refused))
        except SandboxSession.DoesNotExist:
            return answer_error(404, "no_such_session")

    return checked


def has_live_key(authorization: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    keys = conf.sandbox_api_keys()
    matches = [hmac.compare_digest(given.encode(), key.encode()) for key in keys]
    return scheme.lower() == "bearer" and any(matches)


def answer_error(status: int, error: str, **headers: str) -> JsonResponse:
    return JsonResponse({"error": error}, status=status, headers=headers)


@for_customers
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Opens a session: kind, wants, reference, return_url. The same reference gives the same one."""
    asked = read_object(request)
    kind, wants = read_text(asked, "kind"), read_text(asked, "wants")
    if wants not in WANTS.get(kind, set()):
        raise BadRequest("wants_does_not_fit_kind")
    return_url = read_text(asked, "return_url", longest=1024)
    if not return_url.startswith(f"{conf.issuer()}/"):
        raise BadRequest("return_url_is_not_the_customers")
    session = sessions.open_session(
        kind=kind,
        wants=wants,
        reference=read_text(asked, "reference"),
        return_url=return_url,
        now=clock.now(),
    )
    return answer_session(session, status=201)


@for_customers
@require_GET
def retrieve(request: HttpRequest, session_id: str) -> HttpResponse:
    return answer_session(SandboxSession.objects.get(pk=session_id))


@for_customers
@require_POST
def cancel(request: HttpRequest, session_id: str) -> HttpResponse:
    return answer_session(sessions.close(session_id, Standing.CANCELED, clock.now()))


@for_customers
@require_POST
def redact(request: HttpRequest, session_id: str) -> HttpResponse:
    return answer_session(sessions.close(session_id, Standing.REDACTED, clock.now()))


@for_customers
@require_GET
def undelivered(request: HttpRequest) -> HttpResponse:
    """Events since a moment (seconds since 1970) that were never taken, oldest first."""
    rows = SandboxDelivery.objects.filter(created_at__gte=read_moment(request), delivered_at=None)
    listed = {row.event_id: row for row in rows.order_by("id")[:LISTED]}
    events = [{"id": event_id, **json.loads(row.body)} for event_id, row in listed.items()]
    return JsonResponse({"events": events})


def answer_session(session: SandboxSession, *, status: int = 200) -> JsonResponse:
    told = sessions.describe(session, clock.now())
    told["url"] = conf.issuer() + reverse("sandbox-provider-session", args=[session.pk])
    return JsonResponse(told, status=status, headers={"Cache-Control": "no-store"})


def read_object(request: HttpRequest) -> dict[str, Any]:
    try:
        raw = read_body(request, LONGEST_BODY_BYTES)
    except (BodyTooLong, BodyUnreadable) as refused:
        raise BadRequest("body_too_long") from refused
    try:
        asked = json.loads(raw)
    except (ValueError, RecursionError) as damaged:
        raise BadRequest("body_is_not_json") from damaged
    if not isinstance(asked, dict):
        raise BadRequest("body_is_not_an_object")
    return asked


def read_text(asked: dict[str, Any], name: str, *, longest: int = 64) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or "\0" in value:
        raise BadRequest(f"{name}_is_missing_or_too_long")
    return value


def read_moment(request: HttpRequest) -> datetime:
    try:
        return datetime.fromtimestamp(int(request.GET.get("since", "0")), UTC)
    except (ValueError, OverflowError, OSError) as damaged:
        raise BadRequest("since_is_not_a_moment") from damaged
