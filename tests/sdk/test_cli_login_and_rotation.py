"""Asking a person from a terminal (RFC 8628), and changing the agent's key without a gap."""

import json
import stat
from pathlib import Path

import pytest

from agent_passport import AgentKey
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE
from tests.sdk.test_cli import Run, run  # noqa: F401


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would be waited, in seconds."""
    seen: list[float] = []
    monkeypatch.setattr("agent_passport._flow.sleep", seen.append)
    return seen


def refuse(issuer: FakeIssuer, *codes: str) -> None:
    issuer.scripted += [(400, {}, {"error": code, "error_description": code}) for code in codes]


def test_login_shows_page_and_code_and_waits_as_it_is_told(
    run: Run,  # noqa: F811
    issuer: FakeIssuer,
    waits: list[float],
) -> None:
    refuse(issuer, "authorization_pending", "slow_down", "authorization_pending")
    done = run("login", "--audience", AUDIENCE, "--scope", "echo:read", "--json")
    assert done.exit_code == 0, done.output
    assert f"{issuer.url}/device and type BCDF-GHJK" in done.stderr
    assert waits == [5, 5, 10, 10]
    result = json.loads(done.stdout)
    assert (result["audience"], result["token_type"]) == (AUDIENCE, "DPoP")
    assert "apd_secret" not in done.output
    assert "access-1" not in done.output
    form = issuer.forms[-1]
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
    assert form["device_code"] == "apd_secret"


def test_login_prints_the_token_when_asked(
    run: Run,  # noqa: F811
    waits: list[float],
) -> None:
    assert "access-1" in run("login", "--audience", AUDIENCE, "--show-token").stdout


@pytest.mark.parametrize("code", ["access_denied", "expired_token", "invalid_grant"])
def test_login_ends_when_the_person_said_no_or_nothing(
    run: Run,  # noqa: F811
    issuer: FakeIssuer,
    waits: list[float],
    code: str,
) -> None:
    refuse(issuer, "authorization_pending", code)
    done = run("login", "--audience", AUDIENCE, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"] == code


def test_rotation_makes_a_key_beside_the_old_one(
    run: Run,  # noqa: F811
    key: AgentKey,
    tmp_path: Path,
) -> None:
    first, again = (json.loads(run("keys", "rotate", "--json").stdout) for _ in range(2))
    assert first == again
    assert first["thumbprint"] == AgentKey.load(tmp_path / "key.json.new").thumbprint != key.thumbprint
    assert AgentKey.load(tmp_path / "key.json").thumbprint == key.thumbprint
    assert "d" not in first["public_jwk"]


def test_a_rotation_ends_when_the_new_key_is_proven(
    run: Run,  # noqa: F811
    key: AgentKey,
    issuer: FakeIssuer,
    tmp_path: Path,
) -> None:
    new = json.loads(run("keys", "rotate", "--json").stdout)["thumbprint"]
    assert run("keys", "rotate", "--finish").exit_code == 0
    assert issuer.calls["passport"] == 1
    assert AgentKey.load(tmp_path / "key.json").thumbprint == new
    assert AgentKey.load(tmp_path / "key.json.old").thumbprint == key.thumbprint
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    assert not (tmp_path / "key.json.new").exists()


def test_a_new_key_that_is_not_registered_takes_no_place(
    run: Run,  # noqa: F811
    key: AgentKey,
    issuer: FakeIssuer,
    tmp_path: Path,
) -> None:
    run("keys", "rotate")
    issuer.scripted.append((401, {}, {"error": "invalid_client", "error_description": "unknown key"}))
    assert run("keys", "rotate", "--finish").exit_code == 1
    assert AgentKey.load(tmp_path / "key.json").thumbprint == key.thumbprint


def test_a_rotation_that_was_not_begun_cannot_end(run: Run) -> None:  # noqa: F811
    assert run("keys", "rotate", "--finish").exit_code == 2
