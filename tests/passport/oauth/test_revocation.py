import pytest
from django.db import OperationalError, connection

from foundation.ledger.models import Entry
from passport.agents.models import Agent
from passport.credentials.models import Passport, RevokedToken
from passport.restrictions.models import Restriction
from tests.passport.crafting import MALLORY
from tests.passport.oauth.asking import Door, assertion, refused, signed_in

DOOR = Door("/oauth/revoke")


@pytest.fixture
def revoke(agent):
    return lambda token, **more: DOOR.post(signed_in(assertion(agent.client_id), token=token, **more))


def is_done(response) -> None:
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"", "no-store")


def test_a_passport_is_revoked_for_good(revoke, passport, agent) -> None:
    row, token = passport
    is_done(revoke(token))
    placed = Restriction.objects.get()
    assert (placed.subject_type, placed.subject_id, placed.final) == ("passport", row.jti, True)
    assert placed.placed_by == f"agent:{agent.client_id}"
    assert Passport.objects.get(pk=row.pk).effect == 3


def test_an_access_token_is_revoked_alone_and_put_on_the_record(
    revoke, passport, access_token, agent
) -> None:
    is_done(revoke(access_token()))
    assert RevokedToken.objects.get().jti == "at_1"
    entry = Entry.objects.get(type="token.revoked")
    assert (entry.payload["jti"], entry.actor) == ("at_1", f"agent:{agent.client_id}")
    assert not Restriction.objects.exists()


@pytest.mark.refusal("REV-01")
def test_an_unknown_malformed_expired_or_revoked_token_is_done_already(
    revoke, passport, access_token
) -> None:
    for token in ("unknown", "a.b.c", access_token()[:-4] + "AAAA", access_token(exp=1)):
        is_done(revoke(token))
    assert not RevokedToken.objects.exists()
    for token in (passport[1], access_token()):
        is_done(revoke(token))
        is_done(revoke(token))
    assert (Restriction.objects.count(), Entry.objects.filter(type="token.revoked").count()) == (1, 1)


@pytest.mark.refusal("REV-02")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_a_wrong_hint_changes_nothing(revoke, passport, hint) -> None:
    is_done(revoke(passport[1], token_type_hint=hint))
    assert Restriction.objects.count() == 1


@pytest.mark.refusal("REV-03")
def test_another_clients_token_is_refused_and_stays(passport, access_token, stranger) -> None:
    for token in (passport[1], access_token()):
        response = DOOR.post(signed_in(assertion(stranger.client_id, MALLORY), token=token))
        refused(response, 400, "invalid_request")
    assert not Restriction.objects.exists()
    assert not RevokedToken.objects.exists()


@pytest.mark.refusal("REV-04")
def test_who_does_not_authenticate_is_refused(passport, agent) -> None:
    refused(DOOR.post({"token": passport[1], "client_id": agent.client_id}), 401, "invalid_client")
    refused(
        DOOR.post(signed_in(assertion(agent.client_id, MALLORY), token=passport[1])), 401, "invalid_client"
    )
    assert not Restriction.objects.exists()


@pytest.mark.shows("REV-05")
def test_when_the_store_is_down_it_is_said(revoke, access_token) -> None:
    def away(execute, sql, params, many, context):
        if "passport_revokedtoken" in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    token = access_token()
    with connection.execute_wrapper(away):
        response = revoke(token)
    refused(response, 503, "temporarily_unavailable")
    assert int(response["Retry-After"]) > 0


@pytest.mark.refusal("REV-06")
@pytest.mark.parametrize("typ", ["statuslist+jwt", "token-introspection+jwt", "JWT"])
def test_a_token_of_another_kind_is_refused(revoke, access_token, typ) -> None:
    refused(revoke(access_token(typ)), 400, "unsupported_token_type")


def test_a_suspended_agent_may_still_give_back_what_it_holds(revoke, passport, agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(effect=2)
    is_done(revoke(passport[1]))
    assert Restriction.objects.count() == 1


def test_any_origin_may_call_it() -> None:
    response = DOOR.client.options(DOOR.path, headers={"origin": "https://app.test"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, "*")
    assert {"Authorization", "DPoP"} <= set(response["Access-Control-Allow-Headers"].split(", "))
