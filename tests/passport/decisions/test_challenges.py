"""What our own API wants of a caller, and that it takes what it says: Bearer, and DPoP with a proof."""

import json
from typing import Any

import pytest

from passport.proofs.dpop import hash_of
from tests.cast import ISSUER, MODEL, Key, granted, open_service
from tests.passport.oauth.asking import basic

PATH = "/access/v1/evaluation"
SCOPE = "decisions.evaluate"
QUESTION = {
    "subject": {"type": "agent", "id": "agent_nobody"}, "action": {"name": "model:infer"},
    "resource": {"type": "service", "id": MODEL},
}  # fmt: skip


@pytest.fixture
def service(house: None) -> Any:
    return open_service(MODEL)


@pytest.fixture
def own_token(endpoint: Any, service: Any) -> Any:
    """Gets the service's own token, bound to a key where one is given."""

    def ask(key: Key | None = None, **more: Any) -> str:
        form = {"grant_type": "client_credentials", "resource": f"{ISSUER}/v1", **more}
        answer = endpoint.post(
            form, proof=key.proof() if key else None, HTTP_AUTHORIZATION=basic(service[0].id, service[1])
        )
        assert answer.json()["token_type"] == ("DPoP" if key else "Bearer")
        return granted(answer)

    return ask


@pytest.fixture
def ask(client: Any) -> Any:
    def post(authorization: str = "", proof: str | None = None) -> Any:
        headers = {"Authorization": authorization} if authorization else {}
        if proof is not None:
            headers["DPoP"] = proof
        return client.post(PATH, json.dumps(QUESTION), content_type="application/json", headers=headers)

    return post


def proof_for(key: Key, token: str, **more: Any) -> str:
    return key.proof(url=ISSUER + PATH, **{"ath": hash_of(token), **more})


def said(answer: Any) -> str:
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.count(f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/v1"') == 2
    assert challenge.count(f'scope="{SCOPE}"') == 2
    assert challenge.startswith("Bearer ")
    assert f', DPoP realm="{ISSUER}", algs="ES256 EdDSA Ed25519"' in challenge
    return challenge


def test_without_a_token_both_ways_are_named_and_no_error(ask: Any, service: Any) -> None:
    for authorization in ("", "Basic eDp5", "Bearer", "DPoP "):
        answer = ask(authorization)
        assert answer.status_code == 401
        assert "error" not in said(answer)


def test_a_token_that_is_not_good_is_named_as_such(ask: Any, service: Any) -> None:
    answer = ask("Bearer a.b.c")
    assert answer.status_code == 401
    assert said(answer).count('error="invalid_token"') == 2


def test_a_missing_scope_is_named(ask: Any, own_token: Any) -> None:
    answer = ask(f"Bearer {own_token(scope='events.read')}")
    assert answer.status_code == 403
    assert said(answer).count('error="insufficient_scope"') == 2


def test_a_bound_token_is_taken_with_a_proof_once(ask: Any, own_token: Any) -> None:
    key = Key()
    token = own_token(key)
    proof = proof_for(key, token)
    assert ask(f"DPoP {token}", proof).status_code == 200
    again = ask(f"DPoP {token}", proof)
    assert again.status_code == 401
    assert said(again).count('error="invalid_dpop_proof"') == 2
    assert again.headers["DPoP-Nonce"]


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("as Bearer", "invalid_token"),
        ("without a proof", "invalid_token"),
        ("with another's proof", "invalid_token"),
        ("with a proof of another token", "invalid_dpop_proof"),
        ("with a proof without ath", "invalid_dpop_proof"),
        ("with a proof for another door", "invalid_dpop_proof"),
        ("with an old proof", "use_dpop_nonce"),
    ],
)
def test_a_bound_token_is_not_taken_otherwise(ask: Any, own_token: Any, how: str, error: str) -> None:
    key = Key()
    token = own_token(key)
    proofs = {
        "as Bearer": proof_for(key, token),
        "with another's proof": proof_for(Key(), token),
        "with a proof of another token": proof_for(key, token + "x"),
        "with a proof without ath": proof_for(key, token, ath=None),
        "with a proof for another door": key.proof(url=f"{ISSUER}/v1/events", ath=hash_of(token)),
        "with an old proof": proof_for(key, token, iat=1_700_000_000),
    }
    answer = ask(f"{'Bearer' if how == 'as Bearer' else 'DPoP'} {token}", proofs.get(how))
    assert answer.status_code == 401
    assert said(answer).count(f'error="{error}"') == 2


def test_a_bearer_token_is_not_taken_as_a_bound_one(ask: Any, own_token: Any) -> None:
    token = own_token()
    assert ask(f"DPoP {token}", proof_for(Key(), token)).status_code == 401
    assert ask(f"Bearer {token}").status_code == 200


def test_the_resource_metadata_says_the_same(client: Any, service: Any) -> None:
    document = client.get("/.well-known/oauth-protected-resource/v1").json()
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519"]
    assert (document["resource"], document["authorization_servers"]) == (f"{ISSUER}/v1", [ISSUER])
    assert SCOPE in document["scopes_supported"]
