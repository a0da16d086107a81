"""Authentication for httpx: puts a bound access token and a fresh proof on each request."""

import re
from collections.abc import AsyncGenerator, Generator, Iterable
from typing import ClassVar

import httpx

from agent_passport._agent import Agent, scopes_of
from agent_passport._dpop import make_proof
from agent_passport._errors import AgentPassportError, ConfigurationError, IssuerBusy, IssuerUnreachable
from agent_passport._grants import Held

_CHALLENGE = re.compile(r"(?:^|,)\s*DPoP\s+(.*)", re.IGNORECASE)
_ERROR = re.compile(r'\berror="([a-z_]+)"')
LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

_Steps = Generator[httpx.Request | None, Held | httpx.Response | None, None]


class BoundFlows:
    """The flows of httpx and of httpx2, whose classes have the same members and are not the same.

    One retry where it helps: with the nonce that the service asked for, and with a new token when
    it refused the old one. A body that can be sent only once (a generator) is not retried.
    """

    repeatable: ClassVar[type] = httpx.ByteStream
    """What a body is that can be sent again."""

    def __init__(self, agent: Agent, audience: str, scope: str | Iterable[str] = ()) -> None:
        self._agent = agent
        self._audience = audience
        self._scopes = scopes_of(scope)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        steps = self._steps(request)
        wanted = next(steps)
        while True:
            try:
                if wanted is not None:
                    wanted = steps.send((yield wanted))
                    continue
                try:
                    held = self._agent.token(self._audience, self._scopes)
                except AgentPassportError as error:
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(held)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        steps = self._steps(request)
        wanted = next(steps)
        while True:
            try:
                if wanted is not None:
                    wanted = steps.send((yield wanted))
                    continue
                try:
                    held = await self._agent.atoken(self._audience, self._scopes)
                except AgentPassportError as error:
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(held)
            except StopIteration:
                return

    def _steps(self, request: httpx.Request) -> _Steps:
        """Yields None for "a token, please", and the request when it may go out."""
        _check_channel(request.url)
        can_repeat = isinstance(request.stream, self.repeatable)
        mended: set[str] = set()
        while True:
            try:
                token = yield None
            except (IssuerUnreachable, IssuerBusy):
                if not mended:
                    raise
                # No second try then: the caller gets what the service answered to the first.
                return
            assert isinstance(token, Held)
            self._sign(request, token)
            response = yield request
            assert response is not None
            assert not isinstance(response, Held)
            if nonce := response.headers.get("DPoP-Nonce"):
                self._agent.learn_nonce(_origin(request.url), nonce)
            error = challenge_error(response)
            if error not in ("use_dpop_nonce", "invalid_token") or error in mended or not can_repeat:
                return
            mended.add(error)
            if error == "invalid_token":
                self._agent.forget(token)

    def _sign(self, request: httpx.Request, token: Held) -> None:
        request.headers["Authorization"] = f"{token.token_type} {token.value}"
        if token.token_type.lower() != "dpop":
            return
        request.headers["DPoP"] = make_proof(
            self._agent.key,
            request.method,
            str(request.url),
            now=self._agent.clock.now(),
            nonce=self._agent.nonce_for(_origin(request.url)),
            token=token.value,
        )


class AgentAuth(BoundFlows, httpx.Auth):
    """``httpx.Client(auth=AgentAuth(agent, audience, scope))``; for ``AsyncClient`` the same object.

    One retry where it helps: with the nonce that the service asked for, and with a new token when
    it refused the old one. A body that can be sent only once (a generator) is not retried.
    """


def challenge_error(response: httpx.Response) -> str:
    """The ``error`` of a DPoP challenge (RFC 9449 section 7.1); empty when there is none."""
    return error_of(response.status_code, response.headers.get_list("WWW-Authenticate"))


def error_of(status: int, challenges: Iterable[str]) -> str:
    if status != 401:
        return ""
    for value in challenges:
        if challenge := _CHALLENGE.search(value):
            error = _ERROR.search(challenge[1])
            return error[1] if error else ""
    return ""


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _check_channel(url: httpx.URL) -> None:
    if url.scheme != "https" and url.host not in LOCAL_HOSTS:
        raise ConfigurationError(f"{url.host} is not reached over https", cure="Use its https address")
