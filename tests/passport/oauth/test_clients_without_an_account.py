"""Clients that belong to no account, such as MCP clients: warned about, bounded by the person, never an actor."""

import json

import pytest
from django.test import Client

from accounts.owners.models import Membership
from passport.agents.models import OpenClient
from passport.protocol import AUTHORIZATION_CODE, REFRESH_TOKEN
from tests.cast import INFER, MODEL, Key, claims_of, open_account, open_service, refused
from tests.passport.oauth.asking import Door, basic
from tests.passport.oauth.consenting import VERIFIER, Person, ask, sent_back

CALLBACK = "http://localhost:3000/callback"


@pytest.fixture
def service(house):
    return open_service(MODEL, bound=False, infer=("email", "none"))


@pytest.fixture
def client_id(service) -> str:
    said = {"client_name": "Inspector", "redirect_uris": [CALLBACK], "application_type": "native",
            "token_endpoint_auth_method": "none"}  # fmt: skip
    answer = Client().post("/oauth/register", json.dumps(said), content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()["client_id"]


@pytest.fixture
def dora(house) -> Person:
    return Person()


def redeem(endpoint, client_id: str, code: str, **more):
    said = {"grant_type": AUTHORIZATION_CODE, "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
            "client_id": client_id}  # fmt: skip
    return endpoint.post(said, **more)


def test_the_page_warns_that_nobody_checked_it(client_id, dora) -> None:
    text = dora.client.get(ask(client_id, redirect_uri=CALLBACK)).content.decode()
    for said in ("Inspector", "registered itself", "localhost:3000", client_id):
        assert said in text


def test_its_token_says_the_person_and_the_client_and_no_actor_or_account(
    client_id, dora, endpoint, service
) -> None:
    code = dora.gives_code(ask(client_id, redirect_uri=CALLBACK))
    body = redeem(endpoint, client_id, code).json()
    said = claims_of(body["access_token"])
    assert (said["client_id"], said["sub"][:5]) == (client_id, "user_")
    assert not {"act", "account", "assurance", "limits"} & set(said)
    row, secret = service
    told = Door("/oauth/introspect").post(
        {"token": body["access_token"]}, authorization=basic(row.id, secret)
    )
    assert told.json()["active"]
    again = {"grant_type": REFRESH_TOKEN, "refresh_token": body["refresh_token"], "client_id": client_id}
    assert endpoint.post(again).status_code == 200
    OpenClient.objects.all().delete()
    told = Door("/oauth/introspect").post(
        {"token": body["access_token"]}, authorization=basic(row.id, secret)
    )
    assert told.json() == {"active": False}


def test_the_persons_own_level_bounds_what_it_gets(client_id, dora) -> None:
    path = ask(client_id, redirect_uri=CALLBACK, scope=f"{INFER} model:train")
    said = sent_back(dora.client.get(path))
    assert (said["error"], "identity level document" in said["error_description"]) == ("invalid_scope", True)
    account = open_account("dora")
    Membership.objects.create(account=account, user=dora.user, role="viewer")
    assert sent_back(dora.client.get(path))["error"] == "invalid_scope"
    Membership.objects.filter(user=dora.user).update(role="owner")
    assert dora.client.get(path).status_code == 200


def test_a_proof_is_spent_for_such_a_client_too(client_id, dora, endpoint) -> None:
    proof = Key().proof()
    codes = [dora.gives_code(ask(client_id, redirect_uri=CALLBACK)) for _ in range(2)]
    assert redeem(endpoint, client_id, codes[0], proof=proof).json()["token_type"] == "DPoP"
    refused(redeem(endpoint, client_id, codes[1], proof=proof), "invalid_dpop_proof", reason="proof_replayed")
    assert redeem(endpoint, client_id, codes[1]).status_code == 200


def test_its_tokens_are_limited(client_id, dora, endpoint, monkeypatch) -> None:
    monkeypatch.setattr("passport.exchange.person_charges.PER_CONSENT", 1)
    body = redeem(endpoint, client_id, dora.gives_code(ask(client_id, redirect_uri=CALLBACK))).json()
    again = {"grant_type": REFRESH_TOKEN, "refresh_token": body["refresh_token"], "client_id": client_id}
    refused(endpoint.post(again), "temporarily_unavailable", status=429)


def test_it_gets_nothing_in_its_own_name(client_id, endpoint) -> None:
    answer = endpoint.post({"grant_type": "client_credentials", "client_id": client_id, "resource": MODEL})
    refused(answer, "unauthorized_client")
