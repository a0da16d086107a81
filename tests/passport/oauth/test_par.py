"""Pushed requests: refused at once what would be refused later, then one minute, one client, one answer."""

import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from passport.consents.models import Consent, PushedRequest
from tests.cast import INFER, MODEL, Key, granted, hire, open_account, open_service, refused
from tests.passport.oauth.asking import Door
from tests.passport.oauth.consenting import (
    CHALLENGE,
    REDIRECT,
    Person,
    Tokens,
    ask,
    change,
    let_ask,
    sent_back,
)

PAR = "https://passport.test/oauth/par"


@pytest.fixture
def asker(house):
    open_service(MODEL, bound=False)
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def dora(house) -> Person:
    return Person()


@pytest.fixture
def push(asker):
    def post(*, proof=None, **more):
        said = {
            "response_type": "code", "redirect_uri": REDIRECT, "scope": INFER, "state": "s-1", "resource": MODEL,
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", **asker.authenticated(), **more,
        }  # fmt: skip
        kept = {name: value for name, value in said.items() if value is not None}
        headers = {"DPoP": proof} if proof else {}
        return Door("/oauth/par").post(kept, **headers)

    return post


def opens(asker, answer, **beside) -> str:
    return f"/oauth/authorize?{urlencode({'client_id': asker.id, 'request_uri': answer.json()['request_uri'], **beside})}"


def is_page(answer) -> None:
    assert (answer.status_code, answer.get("Location")) == (400, None)


def test_a_pushed_request_is_answered_with_its_name_and_carried_through(push, asker, dora, endpoint) -> None:
    answer = push()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert answer.json()["expires_in"] == 60
    assert answer.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    said = sent_back(dora.decides(opens(asker, answer)))
    assert said["state"] == "s-1"
    assert granted(Tokens(endpoint, asker).redeem(said["code"]))
    assert "client_assertion" not in json.dumps(PushedRequest.objects.get().parameters)


@pytest.mark.refusal("PAR-01")
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"redirect_uri": "https://mallory.example/cb"}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT}/"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"scope": "model:steal"}, "invalid_scope"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
    ],
)
def test_what_would_be_refused_later_is_refused_at_once(push, more, error) -> None:
    refused(push(**more), error)
    assert not PushedRequest.objects.exists()


@pytest.mark.refusal("PAR-02")
def test_a_request_that_is_used_expired_or_anothers_is_a_page(push, asker, dora, clock) -> None:
    used = push()
    dora.decides(opens(asker, used))
    is_page(dora.client.get(opens(asker, used)))
    expired, foreign = push(), push()
    mallory = let_ask(hire(open_account("mallory"), "hydra"))
    is_page(dora.client.get(opens(mallory, foreign)))
    clock.forward(seconds=60)
    is_page(dora.client.get(opens(asker, expired)))
    for request_uri in (
        "urn:ietf:params:oauth:request_uri:app_unknown",
        "https://mallory.example/request",
        "x" * 9000,
    ):
        is_page(dora.client.get(ask(asker.id, request_uri=request_uri)))
    assert Consent.objects.count() == 1


def test_who_opened_it_in_time_may_take_ten_minutes_in_that_browser(push, asker, dora, clock) -> None:
    path = opens(asker, push())
    assert dora.client.get(path).status_code == 200
    clock.forward(seconds=61)
    assert dora.client.get(path).status_code == 200
    is_page(Client().get(path))
    clock.forward(minutes=10)
    is_page(dora.client.get(path))


def test_a_denied_request_is_used_up(push, asker, dora) -> None:
    path = opens(asker, push())
    assert sent_back(dora.decides(path, "deny"))["error"] == "access_denied"
    is_page(dora.client.get(path))


@pytest.mark.refusal("PAR-03")
def test_who_must_push_and_did_not_is_refused(push, asker, dora) -> None:
    change(asker, require_pushed_authorization_requests=True)
    assert sent_back(dora.client.get(ask(asker.id)))["error"] == "invalid_request"
    assert dora.client.get(opens(asker, push())).status_code == 200


@pytest.mark.refusal("PAR-04")
def test_a_request_of_more_than_64_kib_is_413(push) -> None:
    refused(push(state="x" * 65536), "invalid_request", status=413)


@pytest.mark.refusal("PAR-05")
def test_what_stands_beside_the_request_uri_counts_for_nothing(push, asker, dora) -> None:
    path = opens(asker, push(), redirect_uri="https://mallory.example/cb", scope="model:steal", state="other")
    page = dora.client.get(path)
    assert [scope["name"] for scope in page.context["services"][0]["scopes"]] == [INFER]
    assert sent_back(dora.decides(path))["state"] == "s-1"


@pytest.mark.refusal("DPOP-14")
def test_a_dpop_jkt_that_is_not_the_key_of_its_proof_is_refused(push) -> None:
    refused(push(proof=Key().proof(url=PAR), dpop_jkt=Key().thumbprint), "invalid_grant", reason="other_key")
    assert not PushedRequest.objects.exists()


def test_the_key_that_pushed_must_redeem(push, asker, dora, endpoint) -> None:
    key = Key()
    code = dora.gives_code(opens(asker, push(proof=key.proof(url=PAR))))
    tokens = Tokens(endpoint, asker)
    refused(tokens.redeem(code, proof=Key().proof()), "invalid_grant")
    assert granted(tokens.redeem(code, proof=key.proof()))


def test_a_proof_and_an_assertion_count_once(push, asker) -> None:
    key, auth = Key(), asker.authenticated()
    proof = key.proof(url=PAR)
    assert push(proof=proof, **auth).status_code == 201
    refused(push(proof=key.proof(url=PAR), **auth), "invalid_client", status=401, reason="assertion_replayed")
    refused(push(proof=proof), "invalid_dpop_proof", reason="proof_replayed")


def test_who_must_authenticate_and_did_not_is_refused(push, asker) -> None:
    refused(
        push(client_assertion=None, client_assertion_type=None, client_id=asker.id),
        "invalid_client",
        status=401,
    )


def test_a_public_client_pushes_by_its_id(push, asker) -> None:
    let_ask(asker, public=True)
    assert push(client_assertion=None, client_assertion_type=None, client_id=asker.id).status_code == 201


def test_get_is_405(house) -> None:
    answer = Client().get("/oauth/par")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
