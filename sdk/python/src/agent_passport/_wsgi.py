"""Middleware for WSGI: Flask, Django, anything that speaks it (PEP 3333)."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from agent_passport._asgi import FORM_BYTES
from agent_passport._call import FORM
from agent_passport._refusals import Refusal, Refused
from agent_passport._routes import Routes, Rules
from agent_passport._verifier import Verified, Verifier

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class WSGIMiddleware:
    """Lets through who may, with ``environ["agent_passport"]`` a ``Verified``; answers all others."""

    def __init__(self, app: App, verifier: Verifier, rules: Rules, open_paths: Collection[str] = ()) -> None:
        self._app, self._verifier = app, verifier
        self._routes = Routes(rules, open_paths)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = _path(environ)
        if self._routes.is_open(path):
            return self._app(environ, start_response)
        result = self._check(environ, path)
        if not isinstance(result, Verified):
            return _answer(start_response, result)
        environ["agent_passport"] = result
        return self._app(environ, _with_headers(start_response, result))

    def _check(self, environ: Environ, path: str) -> Verified | Refusal:
        method = environ["REQUEST_METHOD"]
        try:
            need = self._routes.need(method, path)
        except Refused as refused:
            return self._verifier.refuse(refused)
        return self._verifier.check(
            method,
            _target(environ, path),
            list(_headers(environ)),
            scope=need.scope,
            cost=need.cost,
            form=_read_form(environ),
            address=environ.get("REMOTE_ADDR"),
        )


def _path(environ: Environ) -> str:
    # PEP 3333 hands bytes over as latin-1.
    whole = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return str(whole.encode("latin-1").decode("utf-8", "replace"))


def _target(environ: Environ, path: str) -> str:
    encoded = quote(path, safe="/:@!$&'()*+,;=~")
    query = environ.get("QUERY_STRING", "")
    return f"{encoded}?{query}" if query else encoded


def _headers(environ: Environ) -> Iterator[tuple[str, str]]:
    """WSGI joins repeated fields by commas. No proof and no token has one, so two are still seen."""
    for name, value in environ.items():
        if name == "HTTP_AUTHORIZATION":
            for part in value.split(","):
                yield "authorization", part
        elif name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value


def _read_form(environ: Environ) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    is_form = str(environ.get("CONTENT_TYPE", "")).lower().startswith(FORM)
    if not is_form or not length.isdigit() or int(length) > FORM_BYTES:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _with_headers(start_response: StartResponse, verified: Verified) -> StartResponse:
    def start_with_headers(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, *verified.headers], *rest)

    return start_with_headers


def _answer(start_response: StartResponse, refusal: Refusal) -> list[bytes]:
    status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
    start_response(status, [*refusal.headers, ("Content-Length", str(len(refusal.body)))])
    return [refusal.body]
