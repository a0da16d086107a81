"""A code is redeemed: once, in time, by the client that asked, with the verifier and the key it named."""

import json

import pytest

from foundation.ledger.models import Entry
from passport.consents.models import Consent, RefreshToken
from passport.credentials.pairwise import pairwise_user_id
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.cast import (
    INFER,
    ISSUER,
    MODEL,
    SEARCH,
    Key,
    claims_of,
    granted,
    header_of,
    hire,
    open_account,
    open_service,
    refused,
    set_levels,
)
from tests.passport.oauth.consenting import REDIRECT, Person, Tokens, ask, change, let_ask


@pytest.fixture
def model(house):
    return open_service(MODEL, bound=False)[0]


@pytest.fixture
def asker(model):
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def dora(house) -> Person:
    return Person()


@pytest.fixture
def tokens(endpoint, asker) -> Tokens:
    return Tokens(endpoint, asker)


@pytest.fixture
def code(asker, dora) -> str:
    return dora.gives_code(ask(asker.id))


def test_a_code_becomes_a_bearer_token_for_the_person_and_a_refresh_token(tokens, code, dora, asker) -> None:
    answer = tokens.redeem(code)
    body = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert {name: body[name] for name in ("token_type", "scope")} == {"token_type": "Bearer", "scope": INFER}
    assert 295 <= body["expires_in"] <= 300
    token = body["access_token"]
    assert header_of(token)["typ"] == "at+jwt"
    said = claims_of(token)
    assert (said["iss"], said["aud"], said["client_id"], said["act"]) == (
        ISSUER,
        MODEL,
        asker.id,
        {"sub": asker.id},
    )
    assert said["sub"] == pairwise_user_id(dora.user.pk, MODEL)
    assert "cnf" not in said
    assert said["status"]["status_list"]["uri"].startswith(f"{ISSUER}/status/")
    assert body["refresh_token"] not in str(RefreshToken.objects.values().get())


def test_with_a_proof_the_token_is_bound_to_its_key(tokens, code) -> None:
    key = Key()
    body = tokens.redeem(code, proof=key.proof()).json()
    assert body["token_type"] == "DPoP"
    assert claims_of(body["access_token"])["cnf"] == {"jkt": key.thumbprint}


def test_a_public_client_redeems_with_its_client_id_alone(endpoint, asker, dora) -> None:
    let_ask(asker, public=True)
    code = dora.gives_code(ask(asker.id))
    assert granted(Tokens(endpoint, asker, public=True).redeem(code))


def test_a_client_that_is_registered_with_a_key_must_authenticate(endpoint, asker, code) -> None:
    refused(Tokens(endpoint, asker, public=True).redeem(code), "invalid_client", status=401)


@pytest.mark.refusal("AC-05")
@pytest.mark.parametrize("verifier", [None, "v" * 42, "v" * 129, "v" * 42 + "!"])
def test_a_verifier_that_is_missing_or_malformed_is_an_invalid_request(tokens, code, verifier) -> None:
    refused(tokens.redeem(code, code_verifier=verifier), "invalid_request")
    assert granted(tokens.redeem(code))


def test_a_wrong_verifier_is_an_invalid_grant(tokens, code) -> None:
    refused(tokens.redeem(code, code_verifier="w" * 43), "invalid_grant")
    assert granted(tokens.redeem(code))


@pytest.mark.refusal("AC-06")
def test_a_code_used_twice_ends_all_that_came_of_it(tokens, code) -> None:
    first = tokens.redeem(code).json()
    refused(tokens.redeem(code), "invalid_grant", reason="used_twice")
    consent = Consent.objects.get()
    assert (consent.ended_reason, consent.ended_by) == ("code_reused", "system:oauth")
    assert Entry.objects.get(type="consent.ended").reason == "code_reused"
    refused(tokens.refresh(first["refresh_token"]), "invalid_grant")


@pytest.mark.refusal("AC-07")
def test_another_clients_code_is_refused_and_stays_good(endpoint, tokens, code) -> None:
    mallory = let_ask(hire(open_account("mallory"), "hydra"))
    refused(Tokens(endpoint, mallory).redeem(code), "invalid_grant")
    assert granted(tokens.redeem(code))


def test_a_code_is_good_for_sixty_seconds(tokens, code, clock) -> None:
    clock.forward(seconds=60)
    refused(tokens.redeem(code), "invalid_grant")


def test_a_code_goes_with_its_redirect_uri(tokens, code) -> None:
    refused(tokens.redeem(code, redirect_uri=f"{REDIRECT}/"), "invalid_grant")
    refused(tokens.redeem(code, redirect_uri=None), "invalid_request")
    assert granted(tokens.redeem(code))


@pytest.mark.refusal("AC-08")
def test_a_resource_that_the_person_was_not_asked_for_is_refused(tokens, code) -> None:
    open_service(SEARCH, bound=False)
    refused(tokens.redeem(code, resource=SEARCH), "invalid_target")
    refused(tokens.redeem(code, resource=[MODEL, SEARCH]), "invalid_target")
    assert granted(tokens.redeem(code, resource=MODEL))


def test_of_several_resources_the_client_names_one_for_each_token(tokens, asker, dora) -> None:
    open_service(SEARCH, bound=False)
    code = dora.gives_code(ask(asker.id, resource=[MODEL, SEARCH]))
    refused(tokens.redeem(code), "invalid_target")
    body = tokens.redeem(code, resource=SEARCH).json()
    assert claims_of(body["access_token"])["aud"] == SEARCH
    again = tokens.refresh(body["refresh_token"], resource=MODEL).json()
    assert claims_of(again["access_token"])["aud"] == MODEL
    assert claims_of(again["access_token"])["sub"] != claims_of(body["access_token"])["sub"]


def test_where_binding_is_demanded_a_token_needs_a_proof(tokens, code, asker, model) -> None:
    change(asker, dpop_bound_access_tokens=True)
    refused(tokens.redeem(code), "invalid_request", reason="proof_missing")
    change(asker, dpop_bound_access_tokens=False)
    model.dpop_bound_access_tokens_required = True
    model.save()
    refused(tokens.redeem(code), "invalid_request", reason="proof_missing")
    assert tokens.redeem(code, proof=Key().proof()).json()["token_type"] == "DPoP"


@pytest.mark.refusal("DPOP-13")
def test_a_code_that_is_bound_to_a_key_needs_a_proof_by_it(tokens, asker, dora) -> None:
    key = Key()
    code = dora.gives_code(ask(asker.id, dpop_jkt=key.thumbprint))
    refused(tokens.redeem(code), "invalid_grant", reason="other_key")
    refused(tokens.redeem(code, proof=Key().proof()), "invalid_grant", reason="other_key")
    assert granted(tokens.redeem(code, proof=key.proof()))


def test_a_replayed_assertion_leaves_the_code_good(tokens, code, endpoint, asker) -> None:
    auth = asker.authenticated()
    refused(tokens.redeem("apc_unknown", **auth), "invalid_grant")
    assert granted(tokens.redeem(code, **auth))
    refused(tokens.refresh("apr_unknown", **auth), "invalid_grant")


def test_a_suspended_agent_gets_nothing_for_its_code(tokens, code, asker, clock) -> None:
    subject = SubjectRef("agent", asker.id, asker.account.id)
    place([subject], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_1", now=clock.now())
    refused(tokens.redeem(code), "unauthorized_client", reason="agent_suspended")


def test_a_level_that_was_lost_meanwhile_refuses_the_scope(tokens, code, asker) -> None:
    set_levels(asker.account, identity="email")
    assert "document" in refused(tokens.redeem(code), "invalid_scope", reason="assurance_too_low")


def test_a_client_that_is_not_registered_for_the_grant_is_refused(endpoint, model) -> None:
    mute = hire(open_account("bob"), "mute")
    refused(Tokens(endpoint, mute).redeem("apc_x"), "unauthorized_client")


@pytest.mark.parametrize("code", ["apc_unknown", "x" * 5000, "ä", "a\u2028b"])
def test_an_unknown_code_is_an_invalid_grant(tokens, code) -> None:
    refused(tokens.redeem(code), "invalid_grant")


SPEND = {"type": "spend", "currency": "EUR", "amount": "50.00", "period": "day"}


def test_what_may_be_spent_is_shown_and_stands_in_the_token(tokens, asker, dora) -> None:
    path = ask(asker.id, authorization_details=json.dumps([SPEND]))
    assert "spend up to 50.00 EUR a day" in dora.client.get(path).content.decode()
    body = tokens.redeem(dora.gives_code(path)).json()
    assert (
        body["authorization_details"] == claims_of(body["access_token"])["authorization_details"] == [SPEND]
    )
    less = json.dumps([SPEND | {"amount": "5.00"}])
    narrowed = tokens.refresh(body["refresh_token"], authorization_details=less).json()
    assert narrowed["authorization_details"][0]["amount"] == "5.00"
    more = json.dumps([SPEND | {"amount": "500.00"}])
    said = refused(
        tokens.refresh(narrowed["refresh_token"], authorization_details=more), "invalid_authorization_details"
    )
    assert "500.00 EUR" in said
    assert tokens.refresh(narrowed["refresh_token"]).json()["authorization_details"] == [SPEND]


def test_without_any_agreed_none_can_be_asked_of_the_token(tokens, code) -> None:
    refused(tokens.redeem(code, authorization_details=json.dumps([SPEND])), "invalid_authorization_details")
