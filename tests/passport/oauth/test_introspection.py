import base64
import json
from datetime import timedelta

import jwt as pyjwt
import pytest
from django.db import OperationalError, connection

from foundation import clock
from passport.agents.models import Agent, AgentKey
from passport.agents.registration import close_agent
from passport.credentials.models import Passport, RevokedToken
from passport.restrictions.models import AccountState
from passport.services.models import Service
from passport.signing import keys
from passport.signing.models import SigningKey
from tests.passport.crafting import ALICE, b64, jws
from tests.passport.oauth.asking import ISSUER, MODEL, Door, assertion, basic, refused, service_at, signed_in

DOOR = Door("/oauth/introspect")
JWT = "application/token-introspection+jwt"


@pytest.fixture
def ask(service):
    relying, secret = service
    return lambda token, **headers: DOOR.post(
        {"token": token}, authorization=basic(relying.id, secret), **headers
    )


@pytest.fixture
def is_inactive(ask):
    def check(token: str) -> None:
        response = ask(token)
        assert (response.status_code, response.json()) == (200, {"active": False})

    return check


def test_a_good_token_of_the_callers_own_is_described(ask, access_token, agent) -> None:
    response = ask(access_token(account="acct_pairwise", limits=[], secret="not told"))
    told = response.json()
    assert told.keys() == {
        "active", "iss", "sub", "aud", "client_id", "scope", "token_type", "exp", "iat", "jti", "cnf", "status",
        "account", "limits",
    }  # fmt: skip
    assert (told["active"], told["sub"], told["token_type"]) == (True, agent.client_id, "DPoP")
    assert (response["Cache-Control"], response["Content-Type"]) == ("no-store", "application/json")
    assert "Access-Control-Allow-Origin" not in response


def test_an_unbound_token_of_an_agent_without_passport_is_a_bearer(ask, access_token, agent_place) -> None:
    number, index = agent_place
    place = {"status_list": {"idx": index, "uri": f"{ISSUER}/status/{number}"}}
    assert ask(access_token(cnf=None, status=place)).json()["token_type"] == "Bearer"


@pytest.mark.refusal("INTR-01")
class TestAnInactiveTokenTellsNothing:
    def test_unknown_malformed_or_forged(self, is_inactive, access_token) -> None:
        for token in (
            "unknown",
            "a.b.c",
            access_token()[:-4] + "AAAA",
            "x" * 20_000,
            jws(ALICE, {"iss": ISSUER}),
        ):
            is_inactive(token)

    def test_expired_or_without_end(self, is_inactive, access_token) -> None:
        for exp in (1, None, "9999999999"):
            is_inactive(access_token(exp=exp))

    def test_of_another_audience(self, is_inactive, access_token) -> None:
        for aud in ("https://other.test", f"{MODEL}/", [MODEL], None):
            is_inactive(access_token(aud=aud))

    def test_a_passport_or_another_kind(self, is_inactive, access_token, passport) -> None:
        is_inactive(passport[1])
        for typ in ("agent-passport+jwt", "statuslist+jwt", "JWT"):
            is_inactive(access_token(typ))

    def test_without_a_place_of_ours(self, is_inactive, access_token) -> None:
        for status in (
            None,
            {"status_list": {"idx": 1, "uri": "https://mallory.test/status/1"}},
            {"status_list": {"idx": 1, "uri": f"{ISSUER}/status/99"}},
        ):
            is_inactive(access_token(status=status))

    def test_revoked_by_its_holder(self, is_inactive, access_token, agent) -> None:
        moment = clock.now()
        RevokedToken.objects.create(
            jti="at_1", agent=agent.client_id, expires_at=moment, revoked_at=moment, revoked_by="x"
        )
        is_inactive(access_token())

    @pytest.mark.parametrize("effect", [2, 3])
    def test_of_a_restricted_subject(self, is_inactive, ask, access_token, agent, effect) -> None:
        token = access_token()
        AccountState.objects.get_or_create(account_id=agent.account_id)
        for model in (AccountState, Agent, AgentKey, Passport, SigningKey):
            model.objects.update(effect=effect)
            is_inactive(token)
            model.objects.update(effect=0)
        assert ask(token).json()["active"]

    def test_of_a_closed_agent(self, is_inactive, access_token, agent) -> None:
        close_agent(agent, actor="user:usr_1", now=clock.now())
        is_inactive(access_token())

    def test_of_a_key_that_nobody_has_or_that_is_retired(self, is_inactive, access_token, agent) -> None:
        is_inactive(access_token(cnf={"jkt": "unknown"}))
        AgentKey.objects.filter(agent=agent).update(retired_at=clock.now() - timedelta(seconds=1))
        is_inactive(access_token())

    def test_with_an_actor_that_is_restricted_or_nobody(
        self, ask, is_inactive, access_token, stranger
    ) -> None:
        token = access_token(act={"sub": stranger.client_id})
        assert ask(token).json()["act"] == {"sub": stranger.client_id}
        Agent.objects.filter(pk=stranger.pk).update(effect=2)
        is_inactive(token)
        is_inactive(access_token(act={"sub": "agent_nobody"}))
        deep = {
            "sub": "a1",
            "act": {"sub": "a2", "act": {"sub": "a3", "act": {"sub": "a4", "act": {"sub": "a5"}}}},
        }
        is_inactive(access_token(act=deep))

    def test_signed_by_a_stolen_key(self, is_inactive, access_token) -> None:
        token = access_token()
        keys.leak(keys.active().kid, actor="user:usr_1", now=clock.now())
        is_inactive(token)


@pytest.mark.refusal("JWKS-01")
def test_an_unknown_kid_is_refused_and_nothing_it_names_is_fetched(
    is_inactive, access_token, monkeypatch
) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("something was fetched"))
    claims = json.loads(base64.urlsafe_b64decode(access_token().split(".")[1] + "=="))
    is_inactive(jws(ALICE, claims, header={"typ": "at+jwt", "kid": "unknown"}))
    is_inactive(
        jws(
            ALICE,
            claims,
            header={"typ": "at+jwt", "jku": "https://mallory.test/keys", "kid": ALICE.thumbprint},
        )
    )
    is_inactive(jws(ALICE, claims, header={"typ": "at+jwt"}))


@pytest.mark.refusal("INTR-02")
def test_a_caller_that_does_not_authenticate_is_refused(service, access_token) -> None:
    relying, secret = service
    refused(DOOR.post({"token": access_token()}), 401, "invalid_client")
    refused(DOOR.post({"token": "a", "client_id": relying.id}), 401, "invalid_client")
    refused(DOOR.post({"token": "a"}, authorization=basic(relying.id, secret + "x")), 401, "invalid_client")
    refused(DOOR.post({"token": "a"}, authorization=basic("svc_unknown", secret)), 401, "invalid_client")


def test_a_disabled_service_is_told_so(service, ask) -> None:
    Service.objects.update(enabled=False)
    refused(ask("a"), 400, "unauthorized_client")


@pytest.mark.refusal("INTR-03")
def test_an_agent_is_refused(agent, access_token) -> None:
    refused(DOOR.post(signed_in(assertion(agent.client_id), token=access_token())), 403, "access_denied")


@pytest.mark.refusal("INTR-04")
def test_get_is_refused(access_token) -> None:
    response = DOOR.client.get(f"{DOOR.path}?token={access_token()}")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.refusal("INTR-05")
def test_a_request_without_token_is_refused(service) -> None:
    refused(DOOR.post({"a": "b"}, authorization=basic(service[0].id, service[1])), 400, "invalid_request")


@pytest.mark.refusal("INTR-06")
def test_types_that_cannot_be_answered_are_refused(ask, access_token, service) -> None:
    refused(ask(access_token(), accept="text/html"), 406, "invalid_request")
    Service.objects.filter(pk=service[0].pk).update(introspection_signed_response_alg="RS256")
    refused(ask(access_token(), accept="application/json"), 400, "invalid_request")
    assert ask(access_token())["Content-Type"] == JWT


@pytest.mark.shows("INTR-07")
def test_when_the_state_cannot_be_read_nothing_is_active(ask, access_token) -> None:
    def away(execute, sql, params, many, context):
        if "passport_statusentry" in sql or sql.startswith("EXECUTE"):
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    token = access_token()
    with connection.execute_wrapper(away):
        response = ask(token)
    refused(response, 503, "temporarily_unavailable")
    assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize("alg", ["", "RS256", "ES256"])
def test_a_signed_answer_is_for_its_caller_alone_and_passes_for_no_token(
    ask, access_token, service, alg
) -> None:
    Service.objects.filter(pk=service[0].pk).update(introspection_signed_response_alg=alg)
    answer = ask(access_token(), accept=JWT).content.decode()
    published = pyjwt.PyJWKSet.from_dict(keys.jwks())
    header = pyjwt.get_unverified_header(answer)
    claims = pyjwt.decode(
        answer, published[header["kid"]], algorithms=[alg or "RS256"], audience=service[0].id
    )
    assert header["typ"] == "token-introspection+jwt"
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["token_introspection"]["active"]


def test_it_costs_two_reads_and_no_write(ask, access_token, django_assert_num_queries) -> None:
    token = access_token()
    ask(token)
    with django_assert_num_queries(2) as captured:
        ask(token)
    assert all(query["sql"].startswith(("SELECT", "\nSELECT", "EXECUTE")) for query in captured)


def test_one_service_learns_nothing_of_anothers_tokens(access_token) -> None:
    other, secret = service_at("https://other.test")
    response = DOOR.post({"token": access_token()}, authorization=basic(other.id, secret))
    assert response.json() == {"active": False}


def test_a_service_may_sign_its_requests(access_token, service) -> None:
    Service.objects.filter(pk=service[0].pk).update(
        jwks={"keys": [ALICE.jwk, {"kty": "oct", "k": b64(b"x")}]}
    )
    form = signed_in(assertion(service[0].id, jti="once"), token=access_token())
    assert DOOR.post(form).json()["active"]
    refused(DOOR.post(form), 401, "invalid_client")
