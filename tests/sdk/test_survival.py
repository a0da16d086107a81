"""What happens to every agent and service one day: no error reaches the caller, in threads and in event loops."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from agent_passport import Agent, AgentKey, Refusal, Verified, Verifier, _flow
from tests.sdk.encoding import thumbprint_of
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE, eventually, headers_of, make_proof

ECHO = "echo:read"
Wait = Callable[[float], None]


@pytest.fixture(params=["thread", "event loop"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def ask(way: str) -> Callable[..., str]:
    """The value of an access token, by either door of the agent."""

    def token(agent: Agent, scope: str = ECHO) -> str:
        if way == "thread":
            return agent.token(AUDIENCE, scope).value
        return asyncio.run(agent.atoken(AUDIENCE, scope)).value

    return token


@pytest.fixture
def on_waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Wait], None]:
    """Says what happens while the agent would wait."""

    def set_up(happens: Wait) -> None:
        async def happens_too(seconds: float) -> None:
            happens(seconds)

        def sleeper(seconds: float) -> Coroutine[Any, Any, None]:
            return happens_too(seconds)

        monkeypatch.setattr(_flow, "sleep", happens)
        monkeypatch.setattr(_flow.asyncio, "sleep", sleeper)

    return set_up


def test_a_server_that_restarts(
    issuer: FakeIssuer, agent: Agent, ask: Callable[..., str], on_waiting: Callable[[Wait], None]
) -> None:
    ask(agent)
    issuer.stop()
    on_waiting(lambda _: issuer.start() if issuer.server is None else None)
    assert ask(agent, "model:infer") == "access-2"


def test_a_429(
    issuer: FakeIssuer, agent: Agent, ask: Callable[..., str], on_waiting: Callable[[Wait], None]
) -> None:
    waits: list[float] = []
    on_waiting(waits.append)
    issuer.scripted.append((429, {"Retry-After": "7"}, {"error": "temporarily_unavailable"}))
    assert ask(agent) == "access-1"
    assert waits[0] >= 7


def test_a_nonce_that_changes(issuer: FakeIssuer, agent: Agent, ask: Callable[..., str]) -> None:
    issuer.nonce = "first"
    ask(agent)
    issuer.nonce = "second"
    assert ask(agent, "model:infer") == "access-2"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_ten_minutes_off(
    issuer: FakeIssuer, agent: Agent, ask: Callable[..., str], minutes: int
) -> None:
    issuer.ahead = 60 * minutes
    assert ask(agent) == "access-1"


def test_an_agents_key_that_is_rotated(
    issuer: FakeIssuer, agent: Agent, ask: Callable[..., str], tmp_path: Path
) -> None:
    ask(agent)
    with Agent(issuer.url, "agent_alice1", AgentKey.generate(), state=tmp_path / "state") as renewed:
        assert ask(renewed) == "access-2"
    # The passport in the folder is bound to the old key: the new one got its own.
    assert issuer.calls["passport"] == 2


def check(way: str, verifier: Verifier, key: AgentKey, token: str) -> Verified | Refusal:
    headers = headers_of(token, make_proof(key, token))
    if way == "thread":
        return verifier.check("GET", "/echo", headers)
    return asyncio.run(verifier.acheck("GET", "/echo", headers))


def test_an_issuers_key_that_is_rotated(
    issuer: FakeIssuer, verifier: Verifier, key: AgentKey, way: str
) -> None:
    old = issuer.access_token(key, AUDIENCE)
    assert isinstance(check(way, verifier, key, old), Verified)
    issuer.private = ec.generate_private_key(ec.SECP256R1())
    issuer.kid = thumbprint_of(issuer.private.public_key())
    issuer.published_keys.append(issuer.private)
    new = issuer.access_token(key, AUDIENCE)
    assert isinstance(check(way, verifier, key, new), Verified)
    assert isinstance(check(way, verifier, key, old), Verified)


def test_a_cut_feed(issuer: FakeIssuer, following: Verifier, key: AgentKey, way: str) -> None:
    good, lost = (
        issuer.access_token(key, AUDIENCE, status={"status_list": {"idx": index, "uri": issuer.list_uri()}})
        for index in (7, 8)
    )
    issuer.feed.cut()
    issuer.tighten(8, 1)
    assert isinstance(check(way, following, key, good), Verified)
    eventually(lambda: isinstance(check(way, following, key, lost), Refusal))
    assert isinstance(check(way, following, key, good), Verified)
