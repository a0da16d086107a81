"""An access token for a narrower one, by its holder or by a sub-agent: what is refused, one test for each number."""

import json
from base64 import b64encode
from itertools import pairwise

import pytest

from foundation import clock as the_clock
from passport.acting.models import ActingRule
from passport.acting.rules import allow_agent, allow_service, forbid
from passport.agents.registration import close_agent
from passport.credentials.models import RevokedToken
from passport.fields import Effect
from passport.oauth.introspection import introspection_of
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE, TOKEN_EXCHANGE
from passport.restrictions.place import SubjectRef, place
from passport.services.models import AgentGrant, Scope, Service
from passport.services.registration import renew_secret
from passport.signing import keys
from tests.cast import EMBED, INFER, MODEL, SEARCH, TRAIN, Key, claims_of, grant, granted, hire, open_service
from tests.cast import refused as is_refused


@pytest.fixture
def search(house):
    return open_service(SEARCH)[0]


@pytest.fixture
def held(endpoint, scout, scouts_passport, search) -> str:
    """Scout's token for the model service; Scout may infer at the search service too."""
    grant(scout, search, INFER)
    return granted(endpoint.exchange(scouts_passport, key=scout.key, scope=INFER))


@pytest.fixture
def clerk(scout, search):
    """Another agent of Alice, with a passport of its own, that may act for Scout."""
    actor = hire(scout.account, "clerk")
    grant(actor, search, TRAIN)
    let_act(actor, scout)
    return actor


def let_act(actor, holder) -> None:
    allow_agent(holder.agent, actor.agent, by="user:usr_alice", now=the_clock.now())


@pytest.fixture
def exchange(endpoint):
    """Exchanges an access token for one at the search service."""

    def ask(token: str, **more):
        return endpoint.exchange(
            token, **{"subject_token_type": ACCESS_TOKEN_TYPE, "resource": SEARCH} | more
        )

    return ask


@pytest.fixture
def delegate(endpoint, exchange):
    """Lets an agent act: it shows its passport and proves its key."""

    def ask(token: str, actor, **more):
        shown = {"actor_token": granted(endpoint.passport(actor)), "actor_token_type": PASSPORT_TYPE}
        return exchange(token, **{"key": actor.key} | shown | more)

    return ask


def test_the_holder_gets_a_token_for_another_service(scout, held, exchange, clock) -> None:
    clock.forward(seconds=100)
    answer = exchange(held, key=scout.key)
    claims = claims_of(granted(answer))
    assert (claims["aud"], claims["scope"], claims["sub"]) == (SEARCH, INFER, scout.id)
    assert claims["status"] == claims_of(held)["status"]
    assert answer.json()["expires_in"] == 200
    assert "act" not in claims


def test_a_sub_agent_acts_for_the_holder_with_its_own_key(scout, clerk, held, delegate) -> None:
    claims = claims_of(granted(delegate(held, clerk)))
    assert (claims["sub"], claims["client_id"], claims["act"]) == (scout.id, clerk.id, {"sub": clerk.id})
    assert claims["scope"] == INFER
    assert claims["status"] == claims_of(held)["status"]


@pytest.mark.refusal("EX-22")
def test_a_bound_token_never_becomes_unbound(clerk, scout, held, exchange, delegate) -> None:
    is_refused(exchange(held), "invalid_request", reason="proof_missing")
    is_refused(exchange(held, **scout.authenticated()), "invalid_request", reason="proof_missing")
    is_refused(delegate(held, clerk, key=None), "invalid_request", reason="proof_missing")
    assert claims_of(granted(delegate(held, clerk)))["cnf"] == {"jkt": clerk.key.thumbprint}


@pytest.mark.shows("EX-22")
def test_a_sub_agent_is_bound_to_no_other_key_than_its_registered_one(clerk, held, delegate) -> None:
    is_refused(delegate(held, clerk, key=Key()), "invalid_request", reason="other_key")


@pytest.mark.refusal("EX-10")
def test_who_was_shown_a_token_cannot_exchange_it(mallory, scout, held, exchange) -> None:
    is_refused(exchange(held, key=mallory.key), "invalid_request", reason="other_key")
    answer = exchange(held, key=scout.key, **mallory.authenticated())
    is_refused(answer, "invalid_request", reason="other_client")


@pytest.fixture
def acts_on(endpoint, model):
    """Lets a service act on with a token that it was shown: it authenticates and proves a key of its own."""
    key = Key()
    type(model).objects.filter(pk=model.pk).update(jwks={"keys": [key.jwk]})

    def ask(token: str, *, service=model, key=key, **more):
        secret = renew_secret(service, actor="system:tests", now=service.created_at)
        basic = b64encode(f"{service.id}:{secret}".encode()).decode()
        data = {
            "grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN_TYPE,
            "resource": SEARCH,
        }  # fmt: skip
        proof = key.proof() if key else None
        return endpoint.post(data | more, proof=proof, HTTP_AUTHORIZATION=f"Basic {basic}")

    return ask


@pytest.mark.shows("EX-10")
def test_a_service_acts_on_only_where_the_owner_allowed_it(scout, model, held, acts_on) -> None:
    is_refused(acts_on(held), "invalid_request", reason="actor_not_permitted")
    allow_service(scout.agent, model, by="user:usr_alice", now=the_clock.now())
    claims = claims_of(granted(acts_on(held)))
    assert (claims["sub"], claims["client_id"], claims["act"]) == (scout.id, model.id, {"sub": model.id})


@pytest.mark.shows("EX-10")
def test_a_service_acts_on_with_no_token_for_another(scout, search, held, acts_on) -> None:
    allow_service(scout.agent, search, by="user:usr_alice", now=the_clock.now())
    is_refused(acts_on(held, service=search), "invalid_request", reason="other_client")


@pytest.mark.shows("EX-22")
def test_a_service_that_acts_on_is_bound_to_a_key_that_it_registered(scout, model, held, acts_on) -> None:
    allow_service(scout.agent, model, by="user:usr_alice", now=the_clock.now())
    is_refused(acts_on(held, key=None), "invalid_request", reason="proof_missing")
    is_refused(acts_on(held, key=Key()), "invalid_request", reason="other_key")


def test_what_a_service_acts_on_with_ends_with_the_service(scout, model, held, acts_on, exchange) -> None:
    allow_service(scout.agent, model, by="user:usr_alice", now=the_clock.now())
    token = granted(acts_on(held))
    granted(acts_on(token))
    type(model).objects.filter(pk=model.pk).update(enabled=False)
    is_refused(acts_on(token), "unauthorized_client")
    assert not is_active(token, SEARCH)


def test_a_service_acts_on_with_no_key_that_it_gave_up(scout, model, held, acts_on) -> None:
    allow_service(scout.agent, model, by="user:usr_alice", now=the_clock.now())
    token = granted(acts_on(held))
    assert is_active(token, SEARCH)
    type(model).objects.filter(pk=model.pk).update(jwks={})
    is_refused(acts_on(token), "invalid_request", reason="key_retired")
    assert not is_active(token, SEARCH)


def is_active(token: str, audience: str) -> bool:
    service = Service.objects.get(audience=audience)
    return introspection_of(token, service, the_clock.now())["active"]


@pytest.mark.shows("EX-10")
def test_an_unbound_token_is_for_its_authenticated_client_alone(endpoint, scout, search, exchange) -> None:
    open_model = open_service("https://open.example", bound=False)[0]
    grant(scout, open_model, INFER)
    grant(scout, search, INFER)
    data = {"grant_type": "client_credentials", "resource": open_model.audience}
    bearer = granted(endpoint.post({**data, **scout.authenticated()}))
    is_refused(exchange(bearer, key=scout.key), "invalid_request", reason="other_client")
    granted(exchange(bearer, key=scout.key, **scout.authenticated()))


@pytest.mark.refusal("EX-11")
def test_a_service_that_was_not_granted_is_out_of_reach(endpoint, scout, held, exchange) -> None:
    open_service("https://far.example")
    is_refused(exchange(held, key=scout.key, resource="https://far.example"), "invalid_target")


@pytest.mark.shows("EX-09")
def test_a_scope_beyond_the_subject_token_is_refused(scout, search, held, exchange) -> None:
    grant(scout, search, INFER, EMBED)
    said = is_refused(exchange(held, key=scout.key, scope=EMBED), "invalid_scope")
    assert EMBED in said


@pytest.mark.shows("EX-12")
def test_the_new_token_does_not_outlive_the_old(scout, held, exchange, clock) -> None:
    clock.forward(seconds=296)
    is_refused(exchange(held, key=scout.key), "invalid_request", reason="subject_token_ending")
    clock.forward(seconds=4)
    is_refused(exchange(held, key=scout.key), "invalid_request", reason="token_expired")


@pytest.mark.shows("EX-13")
def test_limits_are_clipped_to_those_of_the_subject_token(endpoint, scout, model, search) -> None:
    from passport.limits.models import LimitPolicy

    for service, quota in ((model, 5), (search, 60)):
        LimitPolicy.objects.create(
            service=service, scope=INFER, name="minute", applies_to="credential",
            quota=quota, window_seconds=60, burst=5,
        )  # fmt: skip
    grant(scout, search, INFER)
    passport = granted(endpoint.passport(scout))
    token = granted(endpoint.exchange(passport, key=scout.key, scope=INFER))
    more = {"subject_token_type": ACCESS_TOKEN_TYPE, "resource": SEARCH}
    narrowed = claims_of(granted(endpoint.exchange(token, key=scout.key, **more)))
    assert narrowed["limits"] == [{"scope": INFER, "policy": "minute", "q": 5, "w": 60}]


def spend(amount: str) -> dict[str, str]:
    return {"type": "spend", "currency": "EUR", "amount": amount, "period": "month"}


def let_spend(actor, service, amount: str) -> None:
    AgentGrant.objects.filter(agent=actor.agent, service=service).update(
        authorization_details=[spend(amount)]
    )


@pytest.mark.refusal("EX-13")
def test_wider_authorization_details_are_refused_by_name(scout, held, exchange) -> None:
    answer = exchange(held, key=scout.key, authorization_details=json.dumps([spend("5.00")]))
    said = is_refused(answer, "invalid_authorization_details", reason="details_too_wide")
    assert "spend up to 5.00 EUR a month" in said
    answer = exchange(held, key=scout.key, authorization_details='[{"type":"payment"}]')
    is_refused(answer, "invalid_authorization_details")


@pytest.mark.shows("EX-13")
def test_authorization_details_narrow_from_the_grant_to_the_last_token(
    endpoint, scout, scouts_passport, model, search, exchange
) -> None:
    grant(scout, search, INFER)
    let_spend(scout, model, "100.00")
    let_spend(scout, search, "40.00")
    asked = {"authorization_details": json.dumps([spend("60.00")])}
    answer = endpoint.exchange(scouts_passport, key=scout.key, scope=INFER, **asked)
    token = granted(answer)
    assert (
        answer.json()["authorization_details"]
        == claims_of(token)["authorization_details"]
        == [spend("60.00")]
    )
    is_refused(exchange(token, key=scout.key, **asked), "invalid_authorization_details")
    assert claims_of(granted(exchange(token, key=scout.key)))["authorization_details"] == [spend("40.00")]
    let_spend(scout, search, "200.00")
    assert claims_of(granted(exchange(token, key=scout.key)))["authorization_details"] == [spend("60.00")]


@pytest.mark.shows("EX-13")
def test_more_than_the_owner_granted_is_not_had_with_a_passport(
    endpoint, scout, scouts_passport, model
) -> None:
    let_spend(scout, model, "100.00")
    asked = {"authorization_details": json.dumps([spend("100.01")])}
    answer = endpoint.exchange(scouts_passport, key=scout.key, **asked)
    is_refused(answer, "invalid_authorization_details", reason="details_too_wide")


def test_the_service_is_told_of_the_details(endpoint, scout, scouts_passport, model) -> None:
    let_spend(scout, model, "100.00")
    token = granted(endpoint.exchange(scouts_passport, key=scout.key))
    assert introspection_of(token, model, the_clock.now())["authorization_details"] == [spend("100.00")]


@pytest.mark.refusal("EX-14")
def test_a_fifth_actor_and_an_actor_that_comes_twice_are_refused(scout, held, delegate, search) -> None:
    token, actors = held, [hire(scout.account, f"a{n}") for n in range(5)]
    for giver, actor in pairwise([scout, *actors]):
        grant(actor, search, INFER)
        let_act(actor, giver)
    for actor in actors[:4]:
        token = granted(delegate(token, actor))
    assert claims_of(token)["act"]["act"]["act"]["act"] == {"sub": actors[0].id}
    assert "twice" in is_refused(delegate(token, actors[1]), "invalid_request")
    assert "twice" in is_refused(delegate(token, scout), "invalid_request")
    assert "deeper" in is_refused(delegate(token, actors[4]), "invalid_request")


@pytest.mark.refusal("EX-15")
def test_an_agent_of_another_account_may_not_act(mallory, held, delegate) -> None:
    is_refused(delegate(held, mallory), "invalid_request", reason="actor_not_permitted")


@pytest.mark.shows("EX-15")
def test_an_agent_acts_only_for_those_whose_owner_said_so(scout, clerk, held, delegate, search) -> None:
    stranger = hire(scout.account, "stranger")
    grant(stranger, search, INFER)
    is_refused(delegate(held, stranger), "invalid_request", reason="actor_not_permitted")
    let_act(stranger, clerk)
    is_refused(delegate(held, stranger), "invalid_request", reason="actor_not_permitted")
    chain = claims_of(granted(delegate(granted(delegate(held, clerk)), stranger)))["act"]
    assert chain == {"sub": stranger.id, "act": {"sub": clerk.id}}


@pytest.mark.shows("EX-15")
def test_a_rule_that_was_taken_back_lets_nobody_act(scout, clerk, held, delegate) -> None:
    rule = ActingRule.objects.get(agent=scout.agent)
    assert forbid(scout.agent, rule.pk, by="user:usr_alice", now=the_clock.now())
    is_refused(delegate(held, clerk), "invalid_request", reason="actor_not_permitted")
    assert not forbid(scout.agent, rule.pk, by="user:usr_alice", now=the_clock.now())


@pytest.mark.shows("EX-15")
def test_a_token_that_names_its_next_actor_is_for_no_other(scout, clerk, held, delegate) -> None:
    named = resigned(held, may_act={"sub": "agent_other"})
    is_refused(delegate(named, clerk), "invalid_request", reason="actor_not_permitted")
    is_refused(delegate(resigned(held, may_act="agent_other"), clerk), "invalid_request")
    granted(delegate(resigned(held, may_act={"sub": clerk.id}), clerk))


def resigned(token: str, **claims) -> str:
    """As we would have issued it with these claims."""
    return keys.active().sign({**claims_of(token), **claims}, typ="at+jwt")


@pytest.mark.shows("EX-14")
def test_an_operator_may_set_fewer_actors(scout, clerk, held, delegate, search, settings) -> None:
    settings.ACTOR_DEPTH = 1
    last = hire(scout.account, "last")
    grant(last, search, INFER)
    let_act(last, clerk)
    token = granted(delegate(held, clerk))
    assert "deeper than 1" in is_refused(delegate(token, last), "invalid_request")


@pytest.mark.shows("EX-15")
def test_a_suspended_sub_agent_may_not_act_nor_use_what_it_has(
    scout, clerk, held, delegate, exchange, clock, endpoint
) -> None:
    passport = granted(endpoint.passport(clerk))
    token = granted(delegate(held, clerk))
    place(
        [SubjectRef("agent", clerk.id, clerk.account.id)],
        effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now(),
    )  # fmt: skip
    shown = {"actor_token": passport, "actor_token_type": PASSPORT_TYPE}
    is_refused(exchange(held, key=clerk.key, **shown), "invalid_request", reason="agent_suspended")
    is_refused(exchange(token, key=clerk.key), "invalid_request", reason="actor_restricted")
    granted(exchange(held, key=scout.key))


@pytest.mark.shows("EX-15")
def test_only_a_passport_shows_who_acts(clerk, held, exchange) -> None:
    shown = {"actor_token": held, "actor_token_type": ACCESS_TOKEN_TYPE}
    is_refused(exchange(held, key=clerk.key, **shown), "invalid_request")


def test_a_passport_is_not_handed_to_a_sub_agent(endpoint, clerk, scouts_passport) -> None:
    shown = {"actor_token": granted(endpoint.passport(clerk)), "actor_token_type": PASSPORT_TYPE}
    is_refused(endpoint.exchange(scouts_passport, key=clerk.key, **shown), "invalid_request")


def test_a_revoked_access_token_is_exchanged_no_more(scout, held, exchange, clock) -> None:
    RevokedToken.objects.create(
        jti=claims_of(held)["jti"], agent=scout.id, expires_at=clock.now(), revoked_at=clock.now(),
        revoked_by=f"agent:{scout.id}",
    )  # fmt: skip
    is_refused(exchange(held, key=scout.key), "invalid_request", reason="token_revoked")


def test_what_came_from_a_suspended_passport_is_exchanged_no_more(
    scout, held, scouts_passport, exchange, clock
) -> None:
    place(
        [SubjectRef("passport", claims_of(scouts_passport)["jti"], scout.account.id)],
        effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now(),
    )  # fmt: skip
    is_refused(exchange(held, key=scout.key), "invalid_request", reason="passport_suspended")


def test_a_token_outlives_no_agent(scout, held, exchange, clock) -> None:
    close_agent(scout.agent, actor="user:usr_alice", now=clock.now())
    is_refused(exchange(held, key=scout.key), "invalid_request", reason="agent_closed")


def test_the_same_service_may_be_asked_for_less(endpoint, scout, scouts_passport, model) -> None:
    Scope.objects.filter(service=model, name=EMBED).update(least_payment="instrument")
    token = granted(endpoint.exchange(scouts_passport, key=scout.key))
    assert claims_of(token)["scope"] == f"{EMBED} {INFER}"
    more = {"subject_token_type": ACCESS_TOKEN_TYPE, "resource": MODEL, "scope": INFER}
    assert claims_of(granted(endpoint.exchange(token, key=scout.key, **more)))["scope"] == INFER
