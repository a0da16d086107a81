"""What an agent experiences: a token when it needs one, whatever the issuer and the network do."""

import asyncio
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent_passport import (
    Agent,
    AgentKey,
    AgentRestricted,
    ConfigurationError,
    IssuerAnswerInvalid,
    IssuerBusy,
    IssuerUnreachable,
    PassportRefused,
    ScopeRefused,
    _flow,
    _retry,
)
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE

BUSY = {"error": "temporarily_unavailable", "error_description": "later"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, none of them waited."""
    asked: list[float] = []
    monkeypatch.setattr(_flow, "sleep", asked.append)
    return asked


def test_an_agent_gets_a_passport_and_exchanges_it(issuer: FakeIssuer, agent: Agent) -> None:
    token = agent.token(AUDIENCE, "echo:read")
    assert (token.value, token.token_type, token.scopes) == ("access-1", "DPoP", {"echo:read"})
    assert issuer.forms[0]["requested_token_type"] == "urn:agent-passport:token-type:passport"
    assert issuer.forms[1] == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "passport-1",
        "subject_token_type": "urn:agent-passport:token-type:passport",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": AUDIENCE,
        "scope": "echo:read",
    }


def test_a_token_is_kept_for_each_audience_and_scope(issuer: FakeIssuer, agent: Agent) -> None:
    for scope in ("echo:read", "echo:read", "model:infer", "model:infer echo:read", "echo:read model:infer"):
        agent.token(AUDIENCE, scope)
    agent.token("https://other.example", "echo:read")
    assert (issuer.calls["passport"], issuer.calls["exchange"]) == (1, 4)


def test_a_hundred_threads_cause_one_exchange(issuer: FakeIssuer, agent: Agent) -> None:
    issuer.delay = 0.05
    start = threading.Barrier(100)

    def call() -> str:
        start.wait()
        return agent.token(AUDIENCE, "echo:read").value

    with ThreadPoolExecutor(100) as pool:
        values = [pending.result() for pending in [pool.submit(call) for _ in range(100)]]
    assert set(values) == {"access-1"}
    assert (issuer.calls["passport"], issuer.calls["exchange"]) == (1, 1)


def test_a_hundred_tasks_and_a_thread_cause_one_exchange(issuer: FakeIssuer, agent: Agent) -> None:
    issuer.delay = 0.05

    async def all_at_once() -> list[str]:
        in_thread = asyncio.to_thread(agent.token, AUDIENCE, "echo:read")
        held = await asyncio.gather(*(agent.atoken(AUDIENCE, "echo:read") for _ in range(99)), in_thread)
        return [token.value for token in held]

    assert set(asyncio.run(all_at_once())) == {"access-1"}
    assert (issuer.calls["passport"], issuer.calls["exchange"]) == (1, 1)


def test_when_the_one_who_asks_is_cancelled_another_takes_over(issuer: FakeIssuer, agent: Agent) -> None:
    issuer.delay = 0.05

    async def cancel_the_first() -> str:
        first = asyncio.create_task(agent.atoken(AUDIENCE, "echo:read"))
        await asyncio.sleep(0)
        second = asyncio.create_task(agent.atoken(AUDIENCE, "echo:read"))
        await asyncio.sleep(0.01)
        first.cancel()
        return (await second).value

    assert asyncio.run(cancel_the_first()).startswith("access-")


def test_a_new_nonce_is_taken_without_an_error(issuer: FakeIssuer, agent: Agent) -> None:
    issuer.nonce = "first"
    agent.token(AUDIENCE, "echo:read")
    issuer.nonce = "second"
    assert agent.token(AUDIENCE, "model:infer").value == "access-2"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_off_mends_itself(issuer: FakeIssuer, agent: Agent, minutes: int) -> None:
    issuer.ahead = minutes * 60
    assert agent.token(AUDIENCE, "echo:read").value == "access-1"
    assert agent.clock.offset == pytest.approx(minutes * 60, abs=3)


def test_retry_after_is_obeyed_and_each_attempt_is_signed_anew(
    issuer: FakeIssuer, agent: Agent, waits: list[float]
) -> None:
    issuer.scripted = [(429, {"Retry-After": "2"}, BUSY), (503, {"Retry-After": "3"}, BUSY)]
    agent.passport()
    assert waits[0] >= 2
    assert waits[1] >= 3
    assert len(issuer.spent) == 3


def test_a_wait_beyond_patience_is_told_instead_of_waited(
    issuer: FakeIssuer, agent: Agent, waits: list[float]
) -> None:
    issuer.scripted = [(429, {"Retry-After": "3600"}, BUSY)]
    with pytest.raises(IssuerBusy) as refused:
        agent.passport()
    assert (refused.value.retry_after, waits) == (3600, [])


def test_an_issuer_that_restarts_is_waited_for(
    issuer: FakeIssuer, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.stop()
    monkeypatch.setattr(_flow, "sleep", lambda _seconds: issuer.start() if issuer.server is None else None)
    assert agent.passport().value == "passport-1"


def test_an_issuer_that_stays_away_is_a_typed_error(
    issuer: FakeIssuer, agent: Agent, waits: list[float]
) -> None:
    issuer.stop()
    with pytest.raises(IssuerUnreachable, match="doctor"):
        agent.passport()
    assert len(waits) == _retry.ATTEMPTS - 1


def test_a_refusal_carries_the_words_of_the_server_and_the_cure(issuer: FakeIssuer, agent: Agent) -> None:
    uri = f"{issuer.url}/docs/errors#account_suspended"
    body = {"error": "unauthorized_client", "error_description": "the account is suspended", "error_uri": uri}
    issuer.scripted = [(400, {}, body)]
    with pytest.raises(AgentRestricted) as refused:
        agent.passport()
    error = refused.value
    assert (error.code, error.status, error.error_uri) == ("unauthorized_client", 400, uri)
    assert str(error).startswith("unauthorized_client: the account is suspended. The account is suspended:")


def test_a_scope_refused_is_not_asked_again(issuer: FakeIssuer, agent: Agent) -> None:
    agent.passport()
    issuer.scripted = [(400, {}, {"error": "invalid_scope", "error_description": "not held: root"})]
    with pytest.raises(ScopeRefused):
        agent.token(AUDIENCE, "root")
    assert len(issuer.forms) == 2


def test_a_passport_that_died_with_its_signing_key_is_replaced(issuer: FakeIssuer, agent: Agent) -> None:
    agent.passport()
    issuer.scripted = [(400, {}, {"error": "invalid_request", "error_description": "unknown kid"})]
    assert agent.token(AUDIENCE, "echo:read").value == "access-1"
    assert issuer.forms[-1]["subject_token"] == "passport-2"


def test_a_suspended_passport_is_not_replaced(issuer: FakeIssuer, agent: Agent) -> None:
    agent.passport()
    uri = f"{issuer.url}/docs/errors#passport_suspended"
    issuer.scripted = [(400, {}, {"error": "invalid_request", "error_description": "no", "error_uri": uri})]
    with pytest.raises(PassportRefused, match="suspended"):
        agent.token(AUDIENCE, "echo:read")
    assert issuer.calls["passport"] == 1


def test_an_answer_that_makes_no_sense_is_a_typed_error(issuer: FakeIssuer, agent: Agent) -> None:
    issuer.scripted = [(200, {}, {"access_token": 5, "expires_in": "soon"})]
    with pytest.raises(IssuerAnswerInvalid):
        agent.passport()


def test_the_passport_outlives_the_process_in_a_private_file(
    issuer: FakeIssuer, agent: Agent, key: AgentKey, tmp_path: Path
) -> None:
    agent.passport()
    with Agent(issuer.url, "agent_alice1", key, state=tmp_path / "state") as second:
        assert second.passport().value == "passport-1"
    (saved,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_passport_is_renewed_before_its_end(issuer: FakeIssuer, agent: Agent) -> None:
    agent.passport()
    issuer.ahead = 25 * 86400
    agent.clock.offset = issuer.ahead
    assert agent.passport().value == "passport-2"


def test_while_renewal_fails_the_old_passport_serves(
    issuer: FakeIssuer, agent: Agent, waits: list[float]
) -> None:
    agent.passport()
    agent.clock.offset = 25 * 86400
    issuer.stop()
    assert agent.passport().value == "passport-1"
    tried = len(waits)
    assert agent.passport().value == "passport-1"
    assert len(waits) == tried


def test_the_issuer_is_reached_over_https_or_on_this_machine(key: AgentKey) -> None:
    for wrong in (
        "http://passport.example",
        "https://passport.example/",
        "ftp://x",
        "https://a@b.example",
        "",
    ):
        with pytest.raises(ConfigurationError):
            Agent(wrong, "agent_alice1", key)


def test_no_secret_is_in_a_representation(agent: Agent) -> None:
    assert "access-1" not in repr(agent.token(AUDIENCE))
    assert agent.key.private_jwk()["d"] not in repr(agent)
