"""For FastAPI: the caller as a dependency of a route. Needs FastAPI, which whoever imports this has.

``ASGIMiddleware`` guards a whole application by a list of its routes; here each route says what it
needs where it is written, and FastAPI shows it in its documents.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from starlette.datastructures import MutableHeaders

from agent_passport._asgi import FORM_BYTES, address_of, target_of
from agent_passport._call import FORM
from agent_passport._refusals import Refusal
from agent_passport._verifier import Verified, Verifier


class Denied(Exception):
    """Raised by the dependency; ``FastAPIGuard.install`` turns it into the answer of the standard."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


class FastAPIGuard:
    """::

    guard = FastAPIGuard(verifier)
    guard.install(app)

    @app.post("/infer")
    async def infer(caller: Annotated[Verified, Depends(guard("model:infer"))]): ...
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def install(self, app: FastAPI) -> None:
        """The answers to those who are refused, and the life of the verifier, which is the application's."""
        app.add_exception_handler(Denied, _answer)
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(application: FastAPI) -> AsyncIterator[object]:
            self._verifier.start()
            try:
                async with inner(application) as state:
                    yield state
            finally:
                self._verifier.close()

        app.router.lifespan_context = lifespan  # type: ignore[assignment]

    def __call__(
        self, scope: str | None = None, *, cost: int = 1
    ) -> Callable[[Request, Response], Awaitable[Verified]]:
        """What a route depends on. ``scope`` None: any good token for this service will do."""

        async def caller(request: Request, response: Response) -> Verified:
            headers = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
            ]
            result = await self._verifier.acheck(
                request.method,
                target_of(request.scope),
                headers,
                scope=scope,
                cost=cost,
                form=await _form_of(request),
                address=address_of(request.scope),
            )
            if isinstance(result, Refusal):
                raise Denied(result)
            for name, value in result.headers:
                response.headers[name] = value
            return result

        return caller


async def _form_of(request: Request) -> bytes:
    """The body if it is a short form. Starlette keeps what was read, so the route reads it again."""
    if getattr(request, "_form", None) is not None:
        # A route with fields of a form: FastAPI has read them, and the body is gone.
        return urlencode([(name, "") for name in await request.form()]).encode("ascii")
    is_form = request.headers.get("content-type", "").lower().startswith(FORM)
    length = request.headers.get("content-length", "")
    if not is_form or not length.isdigit() or int(length) > FORM_BYTES:
        return b""
    return await request.body()


async def _answer(_: Request, denied: Exception) -> Response:
    assert isinstance(denied, Denied)
    response = Response(denied.refusal.body, denied.refusal.status)
    headers = MutableHeaders(raw=response.raw_headers)
    for name, value in denied.refusal.headers:
        headers.append(name, value)
    return response
