"""Middleware for ASGI: Starlette, FastAPI, Django, anything that speaks it."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import quote

from agent_passport._call import FORM
from agent_passport._refusals import Refusal, Refused
from agent_passport._routes import Routes, Rules
from agent_passport._verifier import Verified, Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FORM_BYTES = 64 * 1024
"""A form up to here is looked through for a token; in a longer one a token is simply not read."""
_POLICY_VIOLATION = 1008


class ASGIMiddleware:
    """Lets through who may, with ``scope["agent_passport"]`` a ``Verified``; answers all others.

    ``rules`` names the scope of each route; ``open_paths`` need no token. It starts the verifier
    with the application and closes it with it.
    """

    def __init__(self, app: App, verifier: Verifier, rules: Rules, open_paths: Collection[str] = ()) -> None:
        self._app, self._verifier = app, verifier
        self._routes = Routes(rules, open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] not in ("http", "websocket") or self._routes.is_open(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._guard(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._verifier.start()
        try:
            await self._app(scope, receive, send)
        finally:
            self._verifier.close()

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        form, receive = await _read_form(scope, receive)
        result = await self._check(scope, form)
        if isinstance(result, Verified):
            scope["agent_passport"] = result
            await self._app(scope, receive, _with_headers(send, result))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": result.code})
        else:
            await _answer(send, result)

    async def _check(self, scope: Scope, form: bytes) -> Verified | Refusal:
        # A handshake for a WebSocket is a GET, and its proof says so.
        method = scope.get("method", "GET")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        try:
            need = self._routes.need(method, scope["path"])
        except Refused as refused:
            return self._verifier.refuse(refused)
        return await self._verifier.acheck(
            method,
            target_of(scope),
            headers,
            scope=need.scope,
            cost=need.cost,
            form=form,
            address=address_of(scope),
        )


def target_of(scope: Scope) -> str:
    raw = scope.get("raw_path") or quote(scope["path"], safe="/:@!$&'()*+,;=~").encode("ascii")
    query = scope.get("query_string", b"")
    target: bytes = raw + b"?" + query if query else raw
    return target.decode("latin-1")


def address_of(scope: Scope) -> str | None:
    client = scope.get("client")
    return str(client[0]) if client else None


async def _read_form(scope: Scope, receive: Receive) -> tuple[bytes, Receive]:
    """The body if it is a short form, and a ``receive`` that gives the application all of it again."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if scope["type"] != "http" or not kinds or not kinds[0].lower().startswith(FORM.encode()):
        return b"", receive
    read: list[Message] = []
    body = b""
    while len(body) <= FORM_BYTES:
        message = await receive()
        read.append(message)
        body += message.get("body", b"")
        if not message.get("more_body"):
            break

    async def again() -> Message:
        return read.pop(0) if read else await receive()

    return body if len(body) <= FORM_BYTES else b"", again


def _with_headers(send: Send, verified: Verified) -> Send:
    added = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in verified.headers]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return send_with_headers if added else send


async def _answer(send: Send, refusal: Refusal) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in refusal.headers]
    headers.append((b"content-length", str(len(refusal.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
