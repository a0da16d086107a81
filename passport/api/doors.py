"""What the endpoints of the management API have in common: caller, role, body, answer, refusals.

An endpoint is a mapping of methods to ``Call``s. Each names the scope and the roles that reach it;
the function that answers gets a ``Request`` that is already judged.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from foundation import clock
from foundation.logs import route_of
from passport.api import kept_answers
from passport.api.bodies import Members, read_object
from passport.api.callers import ANYBODY, Caller, check_may, find_caller
from passport.api.kept_models import KeptAnswer
from passport.api.refusals import ApiRefused, answer_refused, from_oauth, not_found, unavailable
from passport.errors import OAuthError

log = structlog.get_logger()

NO_STORE: Final = {"Cache-Control": "no-store"}
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Answer:
    content: Any = None
    """None: no body."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose caller may make it."""

    http: HttpRequest
    caller: Caller
    content: Mapping[str, Any]

    def members(self, *known: str) -> Members:
        return Members(self.content, known=frozenset(known))

    def check_unchanged(self, content: Any) -> None:
        """``If-Match`` (RFC 9110 section 13.1.1) against what is held now. Raises ApiRefused (412)."""
        wanted = self.http.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            return
        if etag_of(content) not in [tag.strip() for tag in wanted.split(",")]:
            raise changed_meanwhile()


@dataclass(frozen=True, slots=True)
class Call:
    scope: str
    answer: Callable[..., Answer]
    roles: frozenset[str] = ANYBODY
    changes: bool = False


def api_door(**calls: Call) -> Callable[..., HttpResponse]:
    """The view of one path. Methods are named in capitals: ``api_door(GET=Call(…))``."""

    @csrf_exempt
    def door(request: HttpRequest, **parts: str) -> HttpResponse:
        call = calls.get(request.method or "")
        try:
            if call is None:
                allow = {"Allow": ", ".join(calls)}
                raise ApiRefused(405, "http-405", f"use {' or '.join(calls)}", headers=allow)
            return _answered(call, request, parts)
        except ApiRefused as refused:
            return answer_refused(refused, request)
        except OAuthError as refusal:
            return answer_refused(from_oauth(refusal), request)
        except (OperationalError, InterfaceError) as away:
            log.error("database_unavailable", path=route_of(request), error=type(away).__name__)
            return answer_refused(unavailable(), request)

    return door


def _answered(call: Call, request: HttpRequest, parts: Mapping[str, str]) -> HttpResponse:
    if any("\0" in part for part in parts.values()):
        raise not_found("thing")
    caller, limits = find_caller(request, scope=call.scope, now=clock.now())
    check_may(caller, call.roles, changes=call.changes)
    raw, content = _body(request)
    asked = Asked(request, caller, content)
    if request.method == "POST":
        return _once(call, asked, raw, parts, limits)
    return _respond(call.answer(asked, **parts), limits)


def _once(
    call: Call, asked: Asked, raw: bytes, parts: Mapping[str, str], limits: Mapping[str, str]
) -> HttpResponse:
    row, kept = kept_answers.begin(asked.http, asked.caller.consent.pk, raw, asked.caller.now)
    if kept is not None:
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return _respond(Answer(kept.body, kept.status, headers), limits)
    if row is None:
        return _respond(call.answer(asked, **parts), limits)
    try:
        answer = _kept(call, asked, parts, row)
    except Exception:
        kept_answers.forget(row)
        raise
    if isinstance(answer, ApiRefused):
        kept_answers.forget(row)
        raise answer
    return _respond(answer, limits)


def _kept(call: Call, asked: Asked, parts: Mapping[str, str], row: KeptAnswer) -> Answer | ApiRefused:
    """The work and its kept answer together. What a refusal noted on its way (whose key it is) stays."""
    with transaction.atomic():
        try:
            answer = call.answer(asked, **parts)
        except ApiRefused as refused:
            return refused
        kept_answers.finish(row, answer.status, answer.content, answer.headers)
    return answer


def _body(request: HttpRequest) -> tuple[bytes, Mapping[str, Any]]:
    if request.method not in WITH_BODY:
        return b"", {}
    if request.method == "POST" and not request.headers.get("Content-Length", "").strip("0"):
        return b"", {}
    return read_object(request)


def _respond(answer: Answer, limits: Mapping[str, str]) -> HttpResponse:
    headers = {**NO_STORE, **limits, **answer.headers}
    if answer.content is None:
        return HttpResponse(status=answer.status, headers=headers, content_type="application/json")
    return JsonResponse(answer.content, status=answer.status, headers=headers)


def tagged(content: Any, *, status: int = 200) -> Answer:
    """With the ``ETag`` that ``If-Match`` compares."""
    return Answer(content, status, {"ETag": etag_of(content)})


def etag_of(content: Any) -> str:
    whole = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return f'"{hashlib.sha256(whole).hexdigest()[:32]}"'


def changed_meanwhile() -> ApiRefused:
    return ApiRefused(412, "changed_meanwhile", "it was changed since it was read: read it again")
