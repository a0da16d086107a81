"""A person's token handed on: for another service they agreed to, to a sub-agent, by the service it is for."""

from typing import Any

import pytest

from passport.acting.rules import allow_agent, allow_service
from passport.agents.registration import retire_key
from passport.consents.end import end_consent
from passport.consents.models import Consent
from passport.fields import Effect
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE, TOKEN_EXCHANGE
from passport.restrictions.place import SubjectRef, place
from passport.services.models import Service
from tests.cast import (
    EMBED,
    INFER,
    MODEL,
    SEARCH,
    TRAIN,
    Key,
    claims_of,
    grant,
    granted,
    hire,
    open_service,
    refused,
)
from tests.passport.oauth.asking import Door, basic
from tests.passport.oauth.consenting import Person, Tokens, ask, let_ask

OWNER = "user:usr_alice"


@pytest.fixture
def services(house: None) -> dict[str, Any]:
    return {audience: open_service(audience, bound=False) for audience in (MODEL, SEARCH)}


@pytest.fixture
def scout(services, scout):
    return let_ask(scout)


@pytest.fixture
def model(services):
    return services[MODEL][0]


@pytest.fixture
def clerk(scout, services, clock):
    """Another agent of Alice, with a passport of its own, that may act for Scout."""
    actor = hire(scout.account, "clerk")
    grant(actor, services[SEARCH][0], INFER)
    allow_agent(scout.agent, actor.agent, by=OWNER, now=clock.now())
    return actor


@pytest.fixture
def tokens(endpoint, scout) -> Tokens:
    return Tokens(endpoint, scout)


@pytest.fixture
def held(tokens, scout):
    """Dora lets Scout infer and embed at both services; this token is for the model, bound to Scout's key."""
    return redeem(tokens, scout, proof=scout.key.proof())


def redeem(tokens: Tokens, scout: Any, proof: str | None = None, person: str = "dora") -> str:
    path = ask(scout.id, resource=[MODEL, SEARCH], scope=f"{INFER} {EMBED}")
    return granted(
        tokens.redeem(Person(f"{person}@people.example").gives_code(path), proof=proof, resource=MODEL)
    )


@pytest.fixture
def exchange(endpoint):
    def send(token: str, **more: Any) -> Any:
        return endpoint.exchange(
            token, **{"subject_token_type": ACCESS_TOKEN_TYPE, "resource": SEARCH} | more
        )

    return send


@pytest.fixture
def delegate(endpoint, exchange):
    def send(token: str, actor: Any, **more: Any) -> Any:
        shown = {"actor_token": granted(endpoint.passport(actor)), "actor_token_type": PASSPORT_TYPE}
        return exchange(token, **{"key": actor.key} | shown | more)

    return send


@pytest.fixture
def acts_on(endpoint, services):
    def send(token: str, **more: Any) -> Any:
        row, secret = services[MODEL]
        form = {
            "grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN_TYPE,
            "resource": SEARCH,
        }  # fmt: skip
        return endpoint.post(form | more, HTTP_AUTHORIZATION=basic(row.id, secret))

    return send


@pytest.fixture
def is_active(services):
    def look(token: str) -> bool:
        row, secret = services[claims_of(token)["aud"]]
        answer = Door("/oauth/introspect").post({"token": token}, authorization=basic(row.id, secret))
        return bool(answer.json()["active"])

    return look


def test_the_client_gets_one_for_another_service_that_the_person_agreed_to(
    scout, held, exchange, is_active, clock
) -> None:
    clock.forward(seconds=100)
    token = granted(exchange(held, key=scout.key, scope=INFER))
    claims, before = claims_of(token), claims_of(held)
    assert (claims["aud"], claims["scope"], claims["act"]) == (SEARCH, INFER, {"sub": scout.id})
    assert claims["exp"] == before["exp"], "never longer"
    assert claims["status"] == before["status"], "one consent is the root of both"
    assert claims["sub"].startswith("user_"), "another name of the person at each service"
    assert claims["sub"] != before["sub"]
    assert is_active(token)


def test_a_sub_agent_acts_on_with_its_own_key(scout, clerk, held, delegate, is_active) -> None:
    token = granted(delegate(held, clerk, scope=INFER))
    claims = claims_of(token)
    assert claims["act"] == {"sub": clerk.id, "act": {"sub": scout.id}}
    assert (claims["client_id"], claims["cnf"]) == (clerk.id, {"jkt": clerk.key.thumbprint})
    assert is_active(token)
    assert claims_of(granted(delegate_again(delegate, token, scout, clerk)))["scope"] == INFER


def delegate_again(delegate: Any, token: str, scout: Any, clerk: Any) -> Any:
    third = hire(scout.account, "third")
    grant(third, Service.objects.get(audience=SEARCH), INFER)
    allow_agent(clerk.agent, third.agent, by=OWNER, now=third.agent.created)
    return delegate(token, third)


def test_the_service_acts_on_where_the_owner_allowed_it(
    scout, model, tokens, acts_on, is_active, clock
) -> None:
    bearer = redeem(tokens, scout)
    refused(acts_on(bearer), "invalid_request", reason="actor_not_permitted")
    allow_service(scout.agent, model, by=OWNER, now=clock.now())
    token = granted(acts_on(bearer))
    assert claims_of(token)["act"] == {"sub": model.id, "act": {"sub": scout.id}}
    assert is_active(token)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scope": TRAIN}, "invalid_scope"),
        ({"resource": "https://nobody.example"}, "invalid_target"),
        ({"resource": None}, "invalid_target"),
    ],
    ids=["scope", "service", "no service"],
)
def test_it_never_becomes_more_than_the_person_agreed_to(scout, held, exchange, more, error) -> None:
    refused(exchange(held, key=scout.key, **more), error)


def test_who_was_shown_it_cannot_hand_it_on(scout, mallory, clerk, held, tokens, exchange, delegate) -> None:
    refused(exchange(held, key=mallory.key), "invalid_request", reason="other_key")
    refused(exchange(held), "invalid_request", reason="proof_missing")
    refused(exchange(held, key=Key()), "invalid_request", reason="other_key")
    bearer = redeem(tokens, scout, person="erin")
    refused(exchange(bearer), "invalid_request", reason="other_client")
    refused(exchange(bearer, **mallory.authenticated()), "invalid_request", reason="other_client")
    refused(delegate(held, clerk, key=scout.key), "invalid_request", reason="other_key")


def test_an_agent_that_the_owner_did_not_name_may_not_act(scout, held, delegate, services, mallory) -> None:
    other = hire(scout.account, "other")
    grant(other, services[SEARCH][0], INFER)
    for actor in (other, mallory):
        refused(delegate(held, actor), "invalid_request", reason="actor_not_permitted")


def test_all_that_came_of_it_ends_with_the_consent(
    scout, clerk, held, exchange, delegate, is_active, clock
) -> None:
    token = granted(delegate(held, clerk))
    end_consent(Consent.objects.get().pk, reason="withdrawn", actor="user:usr_dora", now=clock.now())
    assert not is_active(token)
    refused(exchange(held, key=scout.key), "invalid_request", reason="consent_ended")
    refused(exchange(token, key=clerk.key), "invalid_request", reason="consent_ended")


def test_it_ends_with_whoever_acts_and_with_a_key_that_is_taken_back(
    scout, clerk, held, delegate, exchange, is_active, clock
) -> None:
    token = granted(delegate(held, clerk))
    retire_key(scout.row, actor=OWNER, now=clock.now())
    assert not is_active(held)
    refused(exchange(held, key=scout.key), "invalid_request", reason="key_retired")
    assert is_active(token), "bound to a key of its own"
    place([SubjectRef("agent", clerk.id, clerk.account.id)], effect=Effect.SUSPEND, reason="x", actor=OWNER,
          now=clock.now())  # fmt: skip
    assert not is_active(token)
    refused(exchange(token, key=clerk.key), "invalid_request", reason="actor_restricted")
