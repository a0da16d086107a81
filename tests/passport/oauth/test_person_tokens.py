"""What becomes of tokens for people: introspected, revoked, on the status list, ended with their consent."""

import pytest

from passport.consents.end import end_consent
from passport.consents.models import Consent
from passport.credentials.models import RevokedToken
from passport.fields import Effect
from passport.restrictions.bits import all_values_on
from passport.restrictions.place import SubjectRef, place
from passport.restrictions.publish import compare, publish_once
from passport.status.encode import get_value
from passport.status.models import StatusList
from tests.cast import INFER, MODEL, SEARCH, Key, claims_of, grant, hire, open_account, open_service, refused
from tests.passport.oauth.asking import Door, basic
from tests.passport.oauth.consenting import Person, Tokens, ask, let_ask

INVALID, SUSPENDED = 1, 2


@pytest.fixture
def service(house):
    return open_service(MODEL, bound=False)


@pytest.fixture
def asker(service):
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def tokens(endpoint, asker) -> Tokens:
    return Tokens(endpoint, asker)


@pytest.fixture
def pair(tokens, asker):
    return tokens.redeem(Person().gives_code(ask(asker.id))).json()


@pytest.fixture
def introspect(service):
    row, secret = service
    return lambda token: (
        Door("/oauth/introspect").post({"token": token}, authorization=basic(row.id, secret)).json()
    )


@pytest.fixture
def revoke(asker):
    return lambda token, **more: Door("/oauth/revoke").post({"token": token, **asker.authenticated(), **more})


def bit(token: str) -> int:
    """What the published list says of the token."""
    entry = claims_of(token)["status"]["status_list"]
    held = StatusList.objects.get(number=int(entry["uri"].rpartition("/")[2]))
    return get_value(bytes(held.content), held.bits, entry["idx"])


def end(clock) -> None:
    assert end_consent(Consent.objects.get().pk, reason="withdrawn", actor="user:usr_dora", now=clock.now())


def test_its_service_sees_it_active_with_person_client_and_actor(introspect, pair, asker) -> None:
    told = introspect(pair["access_token"])
    assert (told["active"], told["token_type"], told["client_id"]) == (True, "Bearer", asker.id)
    assert told["sub"].startswith("user_")
    assert told["act"] == {"sub": asker.id}
    assert "username" not in told


def test_a_bound_one_needs_no_registered_key(introspect, tokens, asker) -> None:
    body = tokens.redeem(Person().gives_code(ask(asker.id)), proof=Key().proof()).json()
    told = introspect(body["access_token"])
    assert (told["active"], told["token_type"]) == (True, "DPoP")


def test_another_service_and_a_refresh_token_are_told_nothing(introspect, pair) -> None:
    row, secret = open_service(SEARCH)
    other = Door("/oauth/introspect").post(
        {"token": pair["access_token"]}, authorization=basic(row.id, secret)
    )
    assert other.json() == {"active": False}
    assert introspect(pair["refresh_token"]) == {"active": False}


def test_it_ends_with_the_consent_at_once_and_on_the_list(introspect, pair, clock) -> None:
    end(clock)
    assert introspect(pair["access_token"]) == {"active": False}
    publish_once(clock.now())
    assert bit(pair["access_token"]) == INVALID
    assert compare(1, clock.now()) == 0


@pytest.mark.parametrize("subject_type", ["agent", "account"])
def test_it_is_suspended_with_its_agent_and_its_account(introspect, pair, asker, clock, subject_type) -> None:
    subject = asker.id if subject_type == "agent" else asker.account.id
    place([SubjectRef(subject_type, subject, asker.account.id)], effect=Effect.SUSPEND, reason="abuse",
          actor="user:usr_1", now=clock.now())  # fmt: skip
    assert introspect(pair["access_token"]) == {"active": False}
    publish_once(clock.now())
    assert bit(pair["access_token"]) == SUSPENDED
    assert SUSPENDED in all_values_on(1, clock.now()).values()


def test_revoking_the_refresh_token_ends_the_family(revoke, introspect, tokens, pair) -> None:
    assert revoke(pair["refresh_token"]).status_code == 200
    assert Consent.objects.get().ended_reason == "holder_request"
    assert introspect(pair["access_token"]) == {"active": False}
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant")
    assert revoke(pair["refresh_token"]).status_code == 200


def test_revoking_the_access_token_leaves_the_refresh_token(revoke, introspect, tokens, pair) -> None:
    assert revoke(pair["access_token"]).status_code == 200
    assert RevokedToken.objects.get().jti == claims_of(pair["access_token"])["jti"]
    assert introspect(pair["access_token"]) == {"active": False}
    assert introspect(tokens.refresh(pair["refresh_token"]).json()["access_token"])["active"]


def test_another_clients_tokens_are_not_revoked(pair) -> None:
    mallory = hire(open_account("mallory"), "hydra")
    for token in (pair["refresh_token"], pair["access_token"]):
        refused(Door("/oauth/revoke").post({"token": token, **mallory.authenticated()}), "invalid_request")
    assert Consent.objects.get().ended_at is None


def test_a_public_client_revokes_by_its_id_and_nobody_elses(endpoint, asker) -> None:
    let_ask(asker, public=True)
    pair = Tokens(endpoint, asker, public=True).redeem(Person().gives_code(ask(asker.id))).json()
    other = let_ask(hire(open_account("bob"), "other"), public=True)
    refused(
        Door("/oauth/revoke").post({"token": pair["refresh_token"], "client_id": other.id}), "invalid_request"
    )
    refused(Door("/oauth/revoke").post({"token": pair["refresh_token"]}), "invalid_client", status=401)
    assert (
        Door("/oauth/revoke").post({"token": pair["refresh_token"], "client_id": asker.id}).status_code == 200
    )
    assert Consent.objects.get().ended_at is not None


def test_the_agents_own_grants_do_not_widen_a_token_for_a_person(endpoint, tokens, asker) -> None:
    grant(asker, open_service(SEARCH, bound=False)[0], INFER)
    body = tokens.redeem(Person().gives_code(ask(asker.id)), proof=asker.key.proof()).json()
    answer = endpoint.exchange(body["access_token"], key=asker.key, resource=SEARCH,
                               subject_token_type="urn:ietf:params:oauth:token-type:access_token")  # fmt: skip
    refused(answer, "invalid_target")
