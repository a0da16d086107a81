"""Middleware for Django, for sync and async applications. Needs Django, which whoever imports this has."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from agent_passport._asgi import FORM_BYTES
from agent_passport._call import FORM
from agent_passport._refusals import Refusal, Refused
from agent_passport._routes import Need, Routes, Rules
from agent_passport._verifier import Verified, Verifier

_PATH_CHARACTERS = "/:@!$&'()*+,;=~"


def django_middleware(
    verifier: Verifier, rules: Rules, open_paths: Collection[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give it a name in a module of yours, and list that name in ``MIDDLEWARE``.

    Lets through who may, with ``request.agent_passport`` a ``Verified``; answers all others.
    """
    guard = _Guard(verifier, rules, open_paths)

    @sync_and_async_middleware
    def agent_passport(get_response: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(get_response):

            async def guarded(request: HttpRequest) -> HttpResponse:
                return await guard.aserve(request, get_response)

            return guarded

        def guarded_in_thread(request: HttpRequest) -> HttpResponse:
            return guard.serve(request, get_response)

        return guarded_in_thread

    return agent_passport


class _Guard:
    def __init__(self, verifier: Verifier, rules: Rules, open_paths: Collection[str]) -> None:
        self._verifier = verifier
        self._routes = Routes(rules, open_paths)

    def serve(self, request: HttpRequest, serve: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
        if self._routes.is_open(request.path):
            return serve(request)
        need = self._need(request)
        if isinstance(need, Refusal):
            return _answer(need)
        result = self._verifier.check(
            *_call(request),
            scope=need.scope,
            cost=need.cost,
            form=_form_of(request),
            address=_address_of(request),
        )
        return (
            _answer(result) if isinstance(result, Refusal) else _finish(serve(_with(request, result)), result)
        )

    async def aserve(
        self, request: HttpRequest, serve: Callable[[HttpRequest], Awaitable[HttpResponse]]
    ) -> HttpResponse:
        if self._routes.is_open(request.path):
            return await serve(request)
        need = self._need(request)
        if isinstance(need, Refusal):
            return _answer(need)
        result = await self._verifier.acheck(
            *_call(request),
            scope=need.scope,
            cost=need.cost,
            form=_form_of(request),
            address=_address_of(request),
        )
        if isinstance(result, Refusal):
            return _answer(result)
        return _finish(await serve(_with(request, result)), result)

    def _need(self, request: HttpRequest) -> Need | Refusal:
        try:
            return self._routes.need(request.method or "GET", request.path)
        except Refused as refused:
            return self._verifier.refuse(refused)


def _call(request: HttpRequest) -> tuple[str, str, list[tuple[str, str]]]:
    """Method, target, fields. Django joins repeated ones by commas, which no proof and no token has."""
    query = request.META.get("QUERY_STRING", "")
    path = quote(request.path, safe=_PATH_CHARACTERS)
    headers = [(name, part) for name, value in request.headers.items() for part in _parts(name, value)]
    return request.method or "GET", f"{path}?{query}" if query else path, headers


def _parts(name: str, value: str) -> list[str]:
    return value.split(",") if name.lower() == "authorization" else [value]


def _address_of(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


def _form_of(request: HttpRequest) -> bytes:
    """The body if it is a short form; Django keeps what was read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_form = (request.content_type or "").lower() == FORM
    return request.body if is_form and length.isdigit() and int(length) <= FORM_BYTES else b""


def _with(request: HttpRequest, verified: Verified) -> HttpRequest:
    request.agent_passport = verified  # type: ignore[attr-defined]
    return request


def _finish(response: HttpResponse, verified: Verified) -> HttpResponse:
    for name, value in verified.headers:
        response.headers[name] = value
    return response


def _answer(refusal: Refusal) -> HttpResponse:
    response = HttpResponse(refusal.body, status=refusal.status)
    fields: dict[str, list[str]] = {}
    for name, value in refusal.headers:
        fields.setdefault(name, []).append(value)
    for name, values in fields.items():
        # Django has one field of a name; challenges may stand in one (RFC 9110 section 11.6.1).
        response.headers[name] = ", ".join(values)
    return response
