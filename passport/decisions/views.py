"""The decision door: AuthZEN for gateways, blocks of units for the SDK. Parse, call, answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from foundation import clock
from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body
from foundation.web.problems import OVERLOAD, problem
from passport.admission.blocks import LIFE_MS
from passport.conf import issuer
from passport.decisions import authzen
from passport.decisions.authzen import BadRequest, Question
from passport.decisions.callers import Caller, find_caller
from passport.decisions.evaluate import Asked, Decision, evaluate
from passport.errors import OAuthError

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store"}
BLOCK_BYTES = 4 * 1024

type Refuse = Callable[[int, str, str, dict[str, str]], HttpResponse]
type Answer = Callable[[Caller, bytes], HttpResponse]


class _TooLong(Exception):
    """The body is longer than this door reads."""


def _door(refuse: Refuse, max_bytes: int) -> Callable[[Answer], Callable[[HttpRequest], HttpResponse]]:
    """Size, caller, then the answer; whatever is refused, in the words of ``refuse``."""

    def decorate(answer: Answer) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @require_POST
        @wraps(answer)
        def door(request: HttpRequest) -> HttpResponse:
            try:
                caller = find_caller(request, clock.now())
                return answer(caller, _body(request, max_bytes))
            except OAuthError as refusal:
                return refuse(refusal.status, refusal.code, refusal.description, refusal.headers)
            except _TooLong:
                return refuse(413, "too-long", f"the body is longer than {max_bytes} bytes", {})
            except BadRequest as bad:
                return refuse(400, "invalid-request", str(bad), {})
            except (DatabaseError, InterfaceError) as away:
                log.error("decision_unavailable", error=type(away).__name__)
                return refuse(503, OVERLOAD, "the server cannot decide now", {"Retry-After": "1"})

        return door

    return decorate


def _body(request: HttpRequest, max_bytes: int) -> bytes:
    """Raises _TooLong, BadRequest."""
    try:
        declared = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        raise BadRequest("Content-Length is not a number") from None
    if declared > max_bytes:
        raise _TooLong
    try:
        return read_body(request, max_bytes)
    except BodyTooLong:
        raise _TooLong from None
    except BodyUnreadable:
        raise BadRequest("the body could not be read") from None


def _say(status: int, kind: str, message: str, headers: dict[str, str]) -> HttpResponse:
    """AuthZEN: the body of an error is its message, a JSON string (AZ-04)."""
    return JsonResponse(message, status=status, headers={**NO_STORE, **headers}, safe=False)


def _explain(status: int, kind: str, message: str, headers: dict[str, str]) -> HttpResponse:
    return problem(status, kind, "Refused", message, headers=headers)


@_door(_say, authzen.MAX_BYTES)
def evaluation(caller: Caller, body: bytes) -> HttpResponse:
    """POST /access/v1/evaluation."""
    question = authzen.read_question(authzen.read_body(body))
    return _answer(authzen.answer_of(_decide(caller, question)))


@_door(_say, authzen.MAX_BYTES)
def evaluations(caller: Caller, body: bytes) -> HttpResponse:
    """POST /access/v1/evaluations."""
    content = authzen.read_body(body)
    batch = authzen.read_batch(content)
    if batch is None:
        return _answer(authzen.answer_of(_decide(caller, authzen.read_question(content))))
    answers = list(authzen.answer_batch(batch, lambda question: _decide(caller, question)))
    return _answer({"evaluations": answers})


@_door(_explain, BLOCK_BYTES)
def blocks(caller: Caller, body: bytes) -> HttpResponse:
    """POST /v1/limits/blocks: units for a service to spend by itself within a second."""
    decision = evaluate(caller, _read_block(authzen.read_body(body)), clock.now())
    if decision.reason == "unavailable":
        wait = {"Retry-After": str(decision.retry_after)}
        return _explain(503, OVERLOAD, "the server cannot decide now", wait)
    content: dict[str, Any] = {
        "granted": decision.units,
        "expires_in_ms": LIFE_MS,
        "policies": decision.policies(),
        "retry_after": decision.retry_after,
    }
    if decision.reason:
        content["reason"] = decision.reason
    return _answer(content)


@require_GET
def configuration(request: HttpRequest) -> HttpResponse:
    """GET /.well-known/authzen-configuration: free, and without the database (RL-04)."""
    return JsonResponse(
        {
            "policy_decision_point": issuer(),
            "access_evaluation_endpoint": f"{issuer()}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{issuer()}/access/v1/evaluations",
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )


def _read_block(content: dict[str, Any]) -> Asked:
    for name in ("sub", "scope"):
        if not isinstance(content.get(name), str) or not 1 <= len(content[name]) <= authzen.MAX_TEXT:
            raise BadRequest(f"{name} must be a string of 1 to {authzen.MAX_TEXT} characters")
    units = authzen.read_units(content.get("units"), "units")
    return Asked(content["sub"], content["scope"], units, as_block=True)


def _decide(caller: Caller, question: Question) -> Decision:
    if not question.is_about(caller.audience):
        return Decision(reason="unknown")
    return evaluate(caller, question.asked, clock.now())


def _answer(content: dict[str, Any]) -> HttpResponse:
    return JsonResponse(content, headers=NO_STORE)
