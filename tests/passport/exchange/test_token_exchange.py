"""An access token for a narrower one, by its holder or by a sub-agent: what is refused, one test for each number."""

import pytest

from passport.agents.registration import close_agent
from passport.credentials.models import RevokedToken
from passport.fields import Effect
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.restrictions.place import SubjectRef, place
from passport.services.models import Scope
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
    """Another agent of Alice, with a passport of its own."""
    actor = hire(scout.account, "clerk")
    grant(actor, search, TRAIN)
    return actor


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


@pytest.mark.shows("EX-10")
def test_the_service_itself_cannot_act_on_with_it(endpoint, model, held, exchange) -> None:
    from passport.services.registration import renew_secret
    from tests.cast import encode

    secret = renew_secret(model, actor="system:tests", now=model.created_at)
    basic = encode(f"{model.id}:{secret}".encode())
    padded = basic.replace("-", "+").replace("_", "/") + "=" * (-len(basic) % 4)
    data = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": held,
        "subject_token_type": ACCESS_TOKEN_TYPE, "resource": SEARCH,
    }  # fmt: skip
    answer = endpoint.post(data, HTTP_AUTHORIZATION=f"Basic {padded}")
    is_refused(answer, "invalid_request", reason="other_client")


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


@pytest.mark.refusal("EX-13")
def test_authorization_details_that_are_not_held_are_refused(scout, held, exchange) -> None:
    answer = exchange(held, key=scout.key, authorization_details='[{"type":"payment"}]')
    is_refused(answer, "invalid_authorization_details")


@pytest.mark.refusal("EX-14")
def test_a_fifth_actor_and_an_actor_that_comes_twice_are_refused(scout, held, delegate, search) -> None:
    token, actors = held, [hire(scout.account, f"a{n}") for n in range(5)]
    for actor in actors:
        grant(actor, search, INFER)
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
