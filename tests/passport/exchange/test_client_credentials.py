"""What an agent or a service gets in its own name."""

import base64
from typing import Any
from urllib.parse import urlencode

import pytest

from foundation.ledger.models import Entry
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.protocol import PASSPORT_TYPE
from passport.restrictions.models import Switch
from passport.restrictions.place import SubjectRef, place
from tests.cast import (
    INFER,
    ISSUER,
    MODEL,
    SEARCH,
    Key,
    claims_of,
    grant,
    granted,
    hire,
    open_account,
    open_service,
)
from tests.cast import refused as is_refused
from tests.conftest import begin_admission

ASK = {"grant_type": "client_credentials", "resource": MODEL}


def test_an_agent_gets_a_token_that_hangs_on_the_agent(endpoint, scout) -> None:
    answer = endpoint.post({**ASK, **scout.authenticated(), "scope": INFER}, proof=scout.key.proof())
    claims = claims_of(granted(answer))
    assert (claims["sub"], claims["client_id"], claims["aud"]) == (scout.id, scout.id, MODEL)
    assert claims["cnf"] == {"jkt": scout.key.thumbprint}
    assert "issued_token_type" not in answer.json()
    again = endpoint.post({**ASK, **scout.authenticated()}, proof=scout.key.proof())
    assert claims_of(granted(again))["status"] == claims["status"]


@pytest.mark.refusal("CC-01")
@pytest.mark.parametrize("more", [{}, {"client_id": "agent_01J"}, {"requested_token_type": PASSPORT_TYPE}])
def test_a_public_client_is_refused(endpoint, scout, more) -> None:
    answer = endpoint.post({**ASK, **more}, proof=scout.key.proof())
    is_refused(answer, "unauthorized_client", reason="public_client")


@pytest.mark.shows("CC-01")
@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"identity": "federated"}, "identity level document, yours is federated"),
        ({"payment": "none"}, "payment level instrument, yours is none"),
    ],
)
def test_an_owner_without_attestation_is_refused_and_told_which(endpoint, model, levels, words) -> None:
    actor = hire(open_account("carol", **levels), "bare")
    said = is_refused(endpoint.passport(actor), "unauthorized_client", reason="attestation_missing")
    assert words in said
    said = is_refused(endpoint.post({**ASK, **actor.authenticated()}), "unauthorized_client")
    assert words in said
    assert not Passport.objects.exists()


@pytest.mark.refusal("CC-02")
def test_a_passport_for_an_unregistered_key_is_refused(endpoint, scout) -> None:
    answer = endpoint.passport(scout, proof=Key().proof())
    is_refused(answer, "invalid_dpop_proof", reason="other_key")


@pytest.mark.shows("CC-02")
def test_a_passport_for_another_agents_key_is_refused(endpoint, scout, mallory) -> None:
    is_refused(endpoint.passport(scout, proof=mallory.key.proof()), "invalid_dpop_proof", reason="other_key")


@pytest.mark.shows("CC-02")
def test_a_passport_names_no_two_resources(endpoint, scout) -> None:
    is_refused(endpoint.passport(scout, resource=[MODEL, SEARCH]), "invalid_target")


@pytest.mark.refusal("DPOP-12")
def test_a_service_that_asks_for_bound_tokens_gets_no_others(endpoint, scout) -> None:
    is_refused(endpoint.post({**ASK, **scout.authenticated()}), "invalid_request", reason="proof_missing")


@pytest.mark.shows("DPOP-12")
def test_a_passport_is_not_given_without_a_proof(endpoint, scout) -> None:
    answer = endpoint.post({**ASK, **scout.authenticated(), "requested_token_type": PASSPORT_TYPE})
    is_refused(answer, "invalid_request", reason="proof_missing")


def test_a_passport_is_written_into_the_ledger_with_its_row(endpoint, scout) -> None:
    jti = claims_of(granted(endpoint.passport(scout, scope=INFER)))["jti"]
    row = Passport.objects.get(jti=jti)
    assert (row.scopes, row.agent_id, row.key_id) == (INFER, scout.agent.pk, scout.row.id)
    entry = Entry.objects.get(type="passport.issued")
    assert entry.actor == f"agent:{scout.id}"
    assert entry.subject_ids == [jti, scout.id, scout.account.id, scout.row.id]


@pytest.mark.parametrize(("kind", "reason"), [("account", "account_suspended"), ("agent", "agent_suspended")])
def test_a_suspended_agent_is_unauthorized(endpoint, scout, clock, kind, reason) -> None:
    subject_id = scout.account.id if kind == "account" else scout.id
    place(
        [SubjectRef(kind, subject_id, scout.account.id)],
        effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now(),
    )  # fmt: skip
    is_refused(endpoint.passport(scout), "unauthorized_client", reason=reason)
    answer = endpoint.post({**ASK, **scout.authenticated()}, proof="rubbish")
    is_refused(answer, "unauthorized_client", reason=reason)


def test_while_issuance_is_paused_no_passport_is_given(endpoint, scout, scouts_passport) -> None:
    Switch.objects.create(name="issuance", on=True, reason="worst day", changed_by="user:usr_staff")
    answer = endpoint.passport(scout)
    is_refused(answer, "temporarily_unavailable", status=503, reason="issuance_paused")
    assert answer.headers["Retry-After"] == "60"
    granted(endpoint.exchange(scouts_passport, key=scout.key))


def test_a_passport_beyond_the_grants_is_refused_by_name(endpoint, scout) -> None:
    assert "model:train" in is_refused(
        endpoint.passport(scout, scope=f"{INFER} model:train"), "invalid_scope"
    )


@pytest.mark.shows("ASRT-03")
def test_an_assertion_is_taken_once(endpoint, scout) -> None:
    assertion = scout.authenticated()
    data = {**ASK, **assertion}
    granted(endpoint.post(data, proof=scout.key.proof()))
    answer = endpoint.post(data, proof=scout.key.proof())
    is_refused(answer, "invalid_client", status=401, reason="assertion_replayed")


class TestServices:
    @pytest.fixture
    def ask(self, endpoint, house):
        service, secret = open_service(SEARCH)
        basic = base64.b64encode(f"{service.id}:{secret}".encode()).decode()

        def ask(**more):
            data = {"grant_type": "client_credentials", "resource": f"{ISSUER}/v1"} | more
            data = {name: value for name, value in data.items() if value is not None}
            return endpoint.post(data, HTTP_AUTHORIZATION=f"Basic {basic}")

        ask.service = service
        return ask

    def test_a_service_gets_a_bearer_token_for_this_servers_api(self, ask) -> None:
        answer = ask(scope="events.read")
        claims = claims_of(granted(answer))
        assert answer.json()["token_type"] == "Bearer"
        assert claims == {
            "iss": ISSUER, "sub": ask.service.id, "client_id": ask.service.id, "aud": f"{ISSUER}/v1",
            "jti": claims["jti"], "iat": claims["exp"] - 300, "exp": claims["exp"], "scope": "events.read",
        }  # fmt: skip

    def test_without_scope_it_gets_all_that_the_operator_allowed(self, ask) -> None:
        assert ask().json()["scope"] == "decisions.evaluate events.read"

    def test_another_scope_or_resource_is_refused(self, ask) -> None:
        is_refused(ask(scope="ssf.manage"), "invalid_scope")
        is_refused(ask(resource=MODEL), "invalid_target")
        is_refused(ask(resource=None), "invalid_target")

    def test_a_service_gets_no_passport(self, ask) -> None:
        is_refused(ask(requested_token_type=PASSPORT_TYPE), "unauthorized_client")


OPEN = "https://open.example"


@pytest.fixture
def ask_by_assertion(endpoint, scout, clock):
    """Asks by an assertion alone, where the store of what was spent began just now."""
    grant(scout, open_service(OPEN, bound=False)[0], INFER)
    begin_admission(clock.now())
    return lambda **claims: endpoint.post({**ASK, "resource": OPEN, **scout.authenticated(**claims)})


@pytest.mark.parametrize(("undated", "most"), [({}, 31), ({"iat": None}, 361)], ids=["dated", "undated"])
def test_an_assertion_alone_waits_until_it_is_surely_new(ask_by_assertion, clock, undated, most) -> None:
    """It may have been spent before the store began, dated ahead; it has no place for a nonce."""
    clock.forward(microseconds=1)
    answer = ask_by_assertion(**undated)
    is_refused(answer, "temporarily_unavailable", status=503, reason="assertion_unknown")
    assert "DPoP-Nonce" not in answer.headers
    wait = int(answer.headers["Retry-After"])
    assert 1 < wait <= most
    clock.forward(seconds=wait - 2)
    is_refused(ask_by_assertion(**undated), "temporarily_unavailable", status=503)
    clock.forward(seconds=2)
    granted(ask_by_assertion(**undated))


def test_an_old_assertion_is_never_taken_for_a_new_one_after_the_wait(ask_by_assertion, clock) -> None:
    made_at = int(clock.now().timestamp()) + 1
    clock.forward(seconds=100)
    is_refused(ask_by_assertion(iat=made_at, exp=made_at + 300), "temporarily_unavailable", status=503)
    assert ask_by_assertion(iat=made_at, exp=made_at + 300).headers["Retry-After"] == "1"
    granted(ask_by_assertion())


def test_an_assertion_with_a_proof_is_asked_for_a_nonce_instead(endpoint, ask_by_assertion, scout) -> None:
    asked = {**ASK, "resource": OPEN}
    answer = endpoint.post({**asked, **scout.authenticated()}, proof=scout.key.proof())
    is_refused(answer, "use_dpop_nonce")
    proof = scout.key.proof(nonce=answer.headers["DPoP-Nonce"])
    granted(endpoint.post({**asked, **scout.authenticated()}, proof=proof))


def test_a_nonce_of_somebody_elses_key_makes_no_assertion_fresh(
    endpoint, ask_by_assertion, scout, clock
) -> None:
    """Whoever caught a spent assertion has a key of their own, and a nonce for the asking."""
    asked, thief = {**ASK, "resource": OPEN}, Key()
    nonce = endpoint.post({**asked, **scout.authenticated()}, proof=thief.proof()).headers["DPoP-Nonce"]
    answer = endpoint.post({**asked, **scout.authenticated()}, proof=thief.proof(nonce=nonce))
    is_refused(answer, "temporarily_unavailable", status=503, reason="assertion_unknown")
    clock.forward(seconds=int(answer.headers["Retry-After"]))
    granted(endpoint.post({**asked, **scout.authenticated()}, proof=thief.proof()))


def test_revoking_does_not_wait_where_the_store_just_began(ask_by_assertion, client, scout, clock) -> None:
    """Nothing is issued there; only what is surely older than the store is refused."""

    def revoke(**claims: Any) -> Any:
        form = urlencode({"token": "x", **scout.authenticated(**claims)})
        return client.post("/oauth/revoke", form, content_type="application/x-www-form-urlencoded")

    assert revoke().status_code == 200
    before = int(clock.now().timestamp()) - 2
    is_refused(revoke(iat=before), "invalid_client", status=401, reason="assertion_unknown")
