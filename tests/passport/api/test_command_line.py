"""``agent-passport login`` and ``agents …`` against the server itself, in process."""

import json
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from typer.testing import CliRunner

from agent_passport import AgentKey
from agent_passport.cli import app
from passport.agents.models import Agent
from passport.agents.models import AgentKey as RegisteredKey
from passport.consents.end import end_consent
from passport.consents.models import Consent
from tests.cast import INFER, ISSUER, MODEL, open_account
from tests.passport.oauth.consenting import Person
from tests.passport.oauth.managing import allows, join, with_factor

Run = Callable[..., Result]


SERVER = get_wsgi_application()


def serve(environ: Any, start_response: Any) -> Any:
    """As in Django's own test client, which turns it on again: the test's connection outlives a request."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    return SERVER(environ, start_response)


@pytest.fixture
def account(house: None) -> Any:
    return open_account("alices")


@pytest.fixture
def alice(account: Any) -> Person:
    return with_factor(join(Person("alice@people.example"), account))


@pytest.fixture
def run(tmp_path: Path, account: Any, alice: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Alice types a command; when it shows a code, she allows it."""
    transport = httpx.WSGITransport(app=serve)
    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=transport))
    monkeypatch.setattr("agent_passport._flow.sleep", lambda seconds: None)
    monkeypatch.setattr(
        "agent_passport.cli._tell_page", lambda asked: allows(alice, asked.user_code, account.pk)
    )
    environment = {
        "AGENT_PASSPORT_ISSUER": ISSUER,
        "AGENT_PASSPORT_HOME": str(tmp_path / "home"),
        "AGENT_PASSPORT_KEY": str(tmp_path / "key.json"),
    }
    runner = CliRunner()
    yield lambda *words: runner.invoke(app, list(words), env=environment)
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


def parsed(result: Result, exit_code: int = 0) -> dict[str, Any]:
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_from_login_to_an_agent_that_may_reach_a_service(run: Run, model: Any, tmp_path: Path) -> None:
    said = parsed(run("login", "--json"))
    assert (said["account"]["name"], said["role"]) == ("alices", "owner")
    made = parsed(run("agents", "register", "--name", "scout", "--reach", f"{MODEL}={INFER}", "--json"))
    key = AgentKey.load(tmp_path / "key.json")
    assert RegisteredKey.objects.get().thumbprint == key.thumbprint
    assert Agent.objects.get().client_id == made["id"]
    assert [row["id"] for row in parsed(run("agents", "list", "--json"))["agents"]] == [made["id"]]
    shown = parsed(run("agents", "show", made["id"], "--json"))
    assert [grant["scopes"] for grant in shown["grants"]] == [[INFER]]
    assert [row["thumbprint"] for row in shown["keys"]] == [key.thumbprint]


def test_what_the_login_keeps_is_for_its_owner_alone_and_is_not_printed(run: Run, tmp_path: Path) -> None:
    result = run("login")
    (path,) = (tmp_path / "home").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = json.loads(path.read_text())
    for secret in (kept["access_token"], kept["refresh_token"], kept["key"]["d"]):
        assert secret
        assert secret not in result.output


def test_the_login_is_refreshed_when_it_is_due(run: Run, tmp_path: Path, clock: Any) -> None:
    run("login")
    (path,) = (tmp_path / "home").iterdir()
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | {"expires_at": 0}))
    clock.forward(minutes=10)
    assert run("agents", "list").stdout == "There is no such agent.\n"
    assert json.loads(path.read_text())["refresh_token"] != kept["refresh_token"]


def test_who_is_not_logged_in_is_told_how(run: Run) -> None:
    result = run("agents", "list")
    assert result.exit_code == 2
    assert f"agent-passport login --issuer {ISSUER}" in result.stderr


def test_a_withdrawn_login_is_refused_with_what_to_do(run: Run, clock: Any) -> None:
    run("login")
    end_consent(Consent.objects.get().pk, reason="withdrawn", actor="user:usr_a", now=clock.now())
    said = parsed(run("agents", "list", "--json"), 1)
    assert (said["error"], said["cure"]) == ("invalid_token", "Log in again: agent-passport login")


def test_logout_ends_it_at_the_issuer_too(run: Run, tmp_path: Path) -> None:
    run("login")
    assert parsed(run("logout", "--json")) == {"logged_in": False}
    assert not list((tmp_path / "home").iterdir())
    assert Consent.objects.get().ended_at is not None


def test_a_refusal_ends_with_one_and_says_why(run: Run) -> None:
    run("login", "--scope", "account.read agents.read")
    said = parsed(run("agents", "register", "--name", "scout", "--json"), 1)
    assert said["error"] == "access_denied"
    assert "agents.write" in said["description"]


def test_a_service_that_is_not_there_is_told_before_anything_is_registered(run: Run) -> None:
    run("login")
    result = run("agents", "register", "--name", "scout", "--reach", "https://nowhere.example=x")
    assert result.exit_code == 2
    assert "no sandbox service is registered as https://nowhere.example" in result.stderr
    assert not Agent.objects.exists()
