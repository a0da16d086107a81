"""/access/v1/gateway: what a gateway is told about one request (its protocol is shown in tests/deploy)."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation import clock as the_clock
from passport.decisions import gateways as known
from passport.fields import Effect
from passport.limits.models import LimitPolicy
from passport.proofs.dpop import hash_of
from passport.restrictions.models import AccountState
from passport.services.models import Service
from passport.services.registration import renew_secret
from tests.cast import EMBED, INFER, ISSUER, MODEL, SEARCH, Actor, Key, grant, granted, open_service
from tests.deploy.gateways import basic

PATH = "/v1/answers"


@dataclass
class Gate:
    """A gateway in front of the model service, and Scout's token for it."""

    client: Any
    scout: Actor
    token: str
    shown: str

    def ask(
        self, *, key: Key | None = None, url: str = MODEL + PATH, nginx: bool = False, **sent: Any
    ) -> Any:
        """``sent`` replaces what an honest agent and gateway send; None leaves out."""
        proof = (key or self.scout.key).proof(url=url, method="GET", ath=hash_of(self.token))
        headers = {
            "Authorization": f"DPoP {self.token}", "DPoP": proof, "Passport-Gateway": self.shown,
            "Passport-Method": "GET", "Passport-Uri": f"{PATH}?q=1", "Passport-Scope": INFER,
        }  # fmt: skip
        headers |= {name.replace("_", "-"): value for name, value in sent.items()}
        path = "/access/v1/gateway/nginx" if nginx else "/access/v1/gateway"
        return self.client.get(
            path, headers={name: value for name, value in headers.items() if value is not None}
        )


def test_a_path_that_looks_like_no_address_is_a_path(gate) -> None:
    answer = gate.ask(url=f"{MODEL}//[x", Passport_Uri="//[x?access_token")
    assert (answer.status_code, answer.json()["type"]) == (400, f"{ISSUER}/docs/errors#invalid_request")
    assert gate.ask(url=f"{MODEL}//[x", Passport_Uri="//[x").status_code == 200


@pytest.fixture
def model(house: None) -> Service:
    return open_service(MODEL)[0]


@pytest.fixture
def gate(endpoint: Any, client: Any, model: Service, scout: Actor, scouts_passport: str) -> Gate:
    known.forget()
    secret = renew_secret(model, actor="system:tests", now=the_clock.now())
    token = granted(endpoint.exchange(scouts_passport, key=scout.key))
    return Gate(client, scout, token, basic(model.pk, secret))


def error_of(answer: Any) -> str:
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert challenge.endswith('algs="ES256 EdDSA Ed25519"')
    return challenge.partition('error="')[2].partition('"')[0]


def test_who_passes_is_named_and_nothing_is_kept_by_caches(gate: Gate) -> None:
    answer = gate.ask()
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Passport-Subject"] == answer["Passport-Client"] == gate.scout.id
    assert answer["Passport-Account"].startswith("acct_")
    assert answer["Cache-Control"] == "no-store"


def test_it_costs_one_query_once_the_gateway_is_known(gate: Gate) -> None:
    gate.ask()
    with CaptureQueriesContext(connection) as seen:
        assert gate.ask().status_code == 200
    assert len(seen) == 1, [query["sql"] for query in seen]


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        ({"Authorization": None, "DPoP": None}, 401, ""),
        ({"Authorization": "Basic eDp5"}, 401, ""),
        ({"Authorization": "DPoP nothing.like.it"}, 401, "invalid_token"),
        ({"DPoP": None}, 401, "invalid_token"),
        ({"DPoP": "a,b"}, 401, "invalid_dpop_proof"),
        ({"url": f"{MODEL}/elsewhere"}, 401, "invalid_dpop_proof"),
        ({"url": f"{SEARCH}{PATH}"}, 401, "invalid_dpop_proof"),
        ({"Passport_Method": "POST"}, 401, "invalid_dpop_proof"),
        ({"key": Key()}, 401, "invalid_token"),
        ({"Passport_Scope": "model:train"}, 403, "insufficient_scope"),
    ],
)
def test_what_is_wrong_is_refused_in_the_words_of_the_standards(gate: Gate, sent, status, error) -> None:
    answer = gate.ask(**sent)
    assert (answer.status_code, error_of(answer)) == (status, error)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "sent", [{"Authorization": "DPoP a,DPoP b"}, {"Passport_Uri": f"{PATH}?access_token=x"}]
)
def test_two_tokens_or_one_in_the_query_are_a_bad_request(gate: Gate, sent) -> None:
    assert gate.ask(**sent).status_code == 400


def test_a_bound_token_sent_as_bearer_is_refused(gate: Gate) -> None:
    assert error_of(gate.ask(Authorization=f"Bearer {gate.token}")) == "invalid_token"


def test_a_token_for_another_service_is_refused(gate: Gate) -> None:
    other, secret = open_service(SEARCH)
    grant(gate.scout, other, INFER)
    answer = gate.ask(Passport_Gateway=basic(other.pk, secret), url=SEARCH + PATH)
    assert (answer.status_code, error_of(answer)) == (401, "invalid_token")


def test_what_was_taken_away_since_the_token_was_issued_counts(gate: Gate, model: Service) -> None:
    grant(gate.scout, model, EMBED)
    assert error_of(gate.ask()) == "insufficient_scope"
    AccountState.objects.update_or_create(
        account_id=gate.scout.account.pk,
        defaults={"effect": Effect.SUSPEND, "sandbox_effect": Effect.SUSPEND},
    )
    assert error_of(gate.ask()) == "invalid_token"


@pytest.mark.shows("RL-03")
def test_a_refused_request_charges_nothing_and_spends_no_proof(
    gate: Gate, model: Service, clock: Any
) -> None:
    LimitPolicy.objects.create(
        service=model,
        scope=INFER,
        name="minute",
        applies_to="credential",
        quota=2,
        window_seconds=60,
        burst=2,
    )
    proof = gate.scout.key.proof(url=MODEL + PATH, method="GET", ath=hash_of(gate.token))
    refused = gate.ask(Passport_Cost="3", DPoP=proof)
    assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["minute"])
    assert gate.ask(Passport_Cost="2", DPoP=proof).status_code == 200
    assert gate.ask(nginx=True).status_code == 403
    assert gate.ask(nginx=True)["Passport-Status"] == "429"


@pytest.mark.shows("DPOP-10")
def test_a_proof_is_taken_once(gate: Gate) -> None:
    proof = gate.scout.key.proof(url=MODEL + PATH, method="GET", ath=hash_of(gate.token))
    assert gate.ask(DPoP=proof).status_code == 200
    assert error_of(gate.ask(DPoP=proof)) == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "sent",
    [
        {"Passport_Gateway": None}, {"Passport_Gateway": "Basic !"}, {"Passport_Gateway": basic("svc_x", "y")},
        {"Passport_Scope": None}, {"Passport_Uri": None}, {"Passport_Uri": "answers"}, {"Passport_Method": ""},
        {"Passport_Cost": "0"}, {"Passport_Cost": "many"}, {"Passport_Cost": "²"},
    ],
)  # fmt: skip
def test_a_gateway_that_is_not_set_up_lets_nobody_through(gate: Gate, sent) -> None:
    answer = gate.ask(**sent)
    assert (answer.status_code, answer.json()["type"]) == (403, f"{ISSUER}/docs/errors#gateway_not_set_up")


def test_a_secret_that_was_renewed_opens_the_door_for_five_seconds_more(
    gate: Gate, model, clock: Any
) -> None:
    assert gate.ask().status_code == 200
    Service.objects.update(secret_hash=b"x" * 32)
    assert gate.ask().status_code == 200
    clock.forward(seconds=6)
    assert gate.ask().status_code == 403
