"""The command line, as a person types it and as a script reads it."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent_passport import AgentKey
from agent_passport.cli import app
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE

Run = Callable[..., Result]


@pytest.fixture
def run(issuer: FakeIssuer, key: AgentKey, tmp_path: Path) -> Run:
    key.save(tmp_path / "key.json")
    environment = {
        "AGENT_PASSPORT_ISSUER": issuer.url,
        "AGENT_PASSPORT_CLIENT_ID": "agent_alice1",
        "AGENT_PASSPORT_KEY": str(tmp_path / "key.json"),
        "AGENT_PASSPORT_STATE": str(tmp_path / "state"),
    }
    runner = CliRunner()
    return lambda *words, **env: runner.invoke(app, list(words), env=environment | env)


@pytest.fixture
def signed(issuer: FakeIssuer, key: AgentKey) -> None:
    """The issuer answers with real passports and tokens, instead of with names for them."""

    def issue(form: dict[str, str], nonce: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        passport = "subject_token" not in form
        claims = issuer.access_claims(key, issuer.url if passport else form["resource"])
        token = issuer.sign(claims, typ="agent-passport+jwt" if passport else "at+jwt")
        kind = "N_A" if passport else "DPoP"
        return (
            200,
            nonce,
            {"access_token": token, "token_type": kind, "expires_in": 300, "scope": "echo:read"},
        )

    issuer.issue = issue


def parsed(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


def test_a_key_is_made_privately_and_its_public_half_is_printed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    result = run("keys", "generate", "--out", str(path))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == AgentKey.load(path).public_jwk
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["d"] not in result.output


def test_the_public_half_of_a_key_can_be_asked_for_again(run: Run, key: AgentKey) -> None:
    result = run("keys", "generate", "--public", "--json")
    assert parsed(result)["public_jwk"] == key.public_jwk
    assert parsed(result)["thumbprint"] == key.thumbprint


def test_a_key_is_not_overwritten(run: Run) -> None:
    result = run("keys", "generate", "--json")
    assert (result.exit_code, parsed(result)["error"]) == (2, "key_file")


@pytest.mark.usefixtures("signed")
def test_a_passport_is_shown_without_its_secret(run: Run) -> None:
    result = run("passport", "show", "--json")
    assert result.exit_code == 0
    assert parsed(result)["agent"] == "agent_alice1"
    assert "eyJ" not in result.output
    assert parsed(run("passport", "show", "--json", "--show-token"))["passport"].startswith("eyJ")


@pytest.mark.usefixtures("signed")
def test_a_passport_is_verified_until_it_is_revoked(run: Run, issuer: FakeIssuer) -> None:
    assert parsed(run("passport", "verify", "--json"))["status"] == "valid"
    issuer.mark(7, 1)
    result = run("passport", "verify", "--json")
    assert (result.exit_code, parsed(result)["status"]) == (4, "revoked")


def test_a_renewed_passport_is_another_one(run: Run) -> None:
    first = parsed(run("passport", "show", "--json", "--show-token"))["passport"]
    assert parsed(run("passport", "renew", "--json", "--show-token"))["passport"] != first


@pytest.mark.usefixtures("signed")
def test_a_token_is_printed_only_when_asked(run: Run) -> None:
    result = run("token", "--audience", AUDIENCE, "--scope", "echo:read")
    assert result.exit_code == 0
    assert "eyJ" not in result.output
    shown = parsed(run("token", "--audience", AUDIENCE, "--show-token", "--json"))
    verified = run("verify", shown["access_token"], "--json")
    assert (parsed(verified)["valid"], parsed(verified)["audience"]) == (True, AUDIENCE)


@pytest.mark.parametrize("token", ["nonsense", "eyJhbGciOiJub25lIn0.e30.AA", ""])
def test_what_is_not_a_token_is_not_valid(run: Run, token: str) -> None:
    result = run("verify", token, "--json")
    assert (result.exit_code, parsed(result)["valid"]) == (4, False)


def test_a_refusal_tells_words_and_cure_and_ends_with_one(run: Run, issuer: FakeIssuer) -> None:
    issuer.scripted = [(401, {}, {"error": "invalid_client", "error_description": "no such key"})]
    result = run("passport", "show")
    assert result.exit_code == 1
    assert "invalid_client: no such key" in result.stderr
    assert "Register this key" in result.stderr


@pytest.mark.parametrize("missing", ["ISSUER", "CLIENT_ID", "KEY"])
def test_a_missing_setting_is_named(run: Run, missing: str) -> None:
    result = run("passport", "show", **{f"AGENT_PASSPORT_{missing}": ""})
    assert result.exit_code == 2
    assert f"AGENT_PASSPORT_{missing}" in result.stderr


@pytest.mark.usefixtures("signed")
def test_a_service_is_called_and_its_answer_printed(run: Run, issuer: FakeIssuer) -> None:
    url = f"{issuer.url}/.well-known/oauth-authorization-server"
    result = run("call", url, "--audience", AUDIENCE, "--scope", "echo:read")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"issuer": issuer.url})
    refused = run("call", f"{issuer.url}/nowhere", "--audience", AUDIENCE, "--json")
    assert (refused.exit_code, parsed(refused)["status"]) == (1, 404)


@pytest.mark.usefixtures("signed")
def test_doctor_finds_nothing_where_all_is_well(run: Run) -> None:
    result = run("doctor", "--json")
    assert (result.exit_code, parsed(result)["healthy"]) == (0, True)
    assert [row["what"] for row in parsed(result)["findings"]] == [
        "key",
        "issuer",
        "clock",
        "keys",
        "passport",
        "status",
    ]


@pytest.mark.usefixtures("signed")
def test_doctor_names_each_fault_with_its_cure(run: Run, issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.ahead = 600
    (tmp_path / "key.json").chmod(0o644)
    result = run("doctor", "--json")
    assert result.exit_code == 5
    cures = {row["what"]: row["cure"] for row in parsed(result)["findings"] if not row["good"]}
    assert cures["key"].startswith("chmod 600")
    assert cures["clock"].startswith("Set the clock")


def test_doctor_says_when_nobody_answers(run: Run, issuer: FakeIssuer) -> None:
    issuer.stop()
    result = run("doctor")
    assert result.exit_code == 5
    assert "Check the address" in result.output
