"""Authentication for requests: puts a bound access token and a fresh proof on each request.

It imports nothing of requests: there, any callable that takes a prepared request may be ``auth``.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent_passport._agent import Agent, scopes_of
from agent_passport._auth import LOCAL_HOSTS, error_of
from agent_passport._dpop import make_proof
from agent_passport._errors import ConfigurationError, IssuerBusy, IssuerUnreachable
from agent_passport._grants import Held

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_WORTH_A_SECOND_TRY = frozenset({"use_dpop_nonce", "invalid_token"})


class RequestsAuth:
    """``session.auth = RequestsAuth(agent, audience, scope)``, or ``requests.get(url, auth=…)``.

    One retry where it helps, as ``AgentAuth`` for httpx. A body that can be sent only once (a file, a
    generator) is not retried. A redirect within one origin gets a proof of its own; elsewhere
    nothing of ours goes.
    """

    def __init__(self, agent: Agent, audience: str, scope: str | Iterable[str] = ()) -> None:
        self._agent = agent
        self._audience = audience
        self._scopes = scopes_of(scope)

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        url = request.url or ""
        _check_channel(url)
        self._sign(request, self._agent.token(self._audience, self._scopes))
        request.hooks["response"].append(_Mending(self, url))
        return request

    def _sign(self, request: "PreparedRequest", token: Held) -> None:
        url = request.url or ""
        request.headers["Authorization"] = f"{token.token_type} {token.value}"
        if token.token_type.lower() != "dpop":
            return
        request.headers["DPoP"] = make_proof(
            self._agent.key,
            request.method or "GET",
            url,
            now=self._agent.clock.now(),
            nonce=self._agent.nonce_for(_origin(url)),
            token=token.value,
        )


class _Mending:
    """What is done with the answers to one request, at most once for each cause."""

    def __init__(self, auth: RequestsAuth, url: str) -> None:
        self._auth = auth
        self._url = url
        self._mended: set[str] = set()

    def __call__(self, response: "Response", **options: Any) -> "Response":
        request = response.request
        url = request.url or ""
        if _origin(url) != _origin(self._url):
            return response
        agent = self._auth._agent
        if nonce := response.headers.get("DPoP-Nonce"):
            agent.learn_nonce(_origin(url), nonce)
        cause = self._cause(response, url)
        if not cause or cause in self._mended or not isinstance(request.body, (str, bytes, type(None))):
            return response
        self._mended.add(cause)
        if cause == "invalid_token":
            self._forget(request)
        try:
            token = agent.token(self._auth._audience, self._auth._scopes)
        except (IssuerUnreachable, IssuerBusy):
            # No second try then: the caller gets what the service answered to the first.
            return response
        return self._again(response, token, options)

    def _cause(self, response: "Response", url: str) -> str:
        values = [response.headers["WWW-Authenticate"]] if "WWW-Authenticate" in response.headers else []
        error = error_of(response.status_code, values)
        if error == "invalid_dpop_proof" and url != self._url:
            return "redirect"
        return error if error in _WORTH_A_SECOND_TRY else ""

    def _forget(self, request: "PreparedRequest") -> None:
        kind, _, value = str(request.headers.get("Authorization", "")).partition(" ")
        self._auth._agent.forget(Held(value, 0, 0, frozenset(), kind))

    def _again(self, response: "Response", token: Held, options: dict[str, Any]) -> "Response":
        # Read to its end, so that the connection is free for the second try.
        _ = response.content
        response.close()
        request = response.request.copy()
        self._auth._sign(request, token)
        answered: Response = response.connection.send(request, **options)
        answered.history.append(response)
        answered.request = request
        return self(answered, **options)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _check_channel(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOCAL_HOSTS:
        raise ConfigurationError(f"{parts.hostname} is not reached over https", cure="Use its https address")
