"""Which ledger entries become which events, and who hears of them."""

from typing import Any

import pytest

from attestation.levels import IDENTITY
from foundation import clock as the_clock
from foundation.ledger.append import append
from passport.agents.registration import close_agent, retire_key
from passport.credentials.models import IssueRecord, Passport
from passport.credentials.pairwise import pairwise_id
from passport.events.ssf import translate
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.restrictions.place import lift, place
from passport.restrictions.subjects import Subject, SubjectRef
from tests.cast import ISSUER, LIVE, MODEL, SEARCH, Actor, claims_of, hire
from tests.passport.events.ssf.conftest import Receiver, has_seen, kind_of, tell


@pytest.fixture
def told(receiver: Receiver, scout: Actor) -> Any:
    """Gives the claims of what happened since it was last called."""
    has_seen(scout)
    stream = receiver.open()

    def events() -> list[dict[str, Any]]:
        tell()
        sets = receiver.poll(stream)["sets"]
        receiver.poll(stream, ack=list(sets), maxEvents=0)
        return [claims_of(token) for token in sets.values()]

    return events


def restrict(kind: str, name: str, actor: Actor, effect: Effect = Effect.SUSPEND, **more: Any) -> int:
    fields = {"reason": "abuse", "actor": "user:usr_tina", "now": the_clock.now(), **more}
    place([SubjectRef(kind, name, actor.account.id)], effect=effect, **fields)
    return Restriction.objects.latest("pk").pk


def allow(restriction: int) -> None:
    lift([restriction], actor="user:usr_tina", now=the_clock.now(), reason="mistake")


def said(claims: dict[str, Any]) -> dict[str, Any]:
    (members,) = claims["events"].values()
    return members


def test_an_account_that_is_suspended_is_off_and_its_sessions_end(told: Any, scout: Actor) -> None:
    restriction = restrict(Subject.ACCOUNT, scout.account.id, scout)
    off, ended = told()
    account = {"format": "iss_sub", "iss": ISSUER, "sub": pairwise_id(scout.account.id, MODEL)}
    assert [kind_of(off), kind_of(ended)] == ["account-disabled", "session-revoked"]
    assert off["sub_id"] == ended["sub_id"] == account
    assert said(off) == {}
    assert said(ended)["event_timestamp"] == int(the_clock.now().timestamp())
    assert said(ended)["initiating_entity"] == "admin"
    assert said(ended)["reason_admin"]["en"]
    assert off["txn"] == ended["txn"]
    allow(restriction)
    assert [kind_of(claims) for claims in told()] == ["account-enabled"]


def test_what_is_lifted_while_another_restriction_stands_is_not_told(told: Any, scout: Actor) -> None:
    first = restrict(Subject.ACCOUNT, scout.account.id, scout)
    second = restrict(Subject.ACCOUNT, scout.account.id, scout)
    told()
    allow(first)
    assert told() == []
    allow(second)
    assert [kind_of(claims) for claims in told()] == ["account-enabled"]


def test_an_agent_that_is_suspended_and_let_go(told: Any, scout: Actor) -> None:
    restriction = restrict(Subject.AGENT, scout.id, scout)
    (ended,) = told()
    assert ended["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": scout.id}
    allow(restriction)
    (again,) = told()
    assert (kind_of(again), said(again)["change_type"]) == ("credential-change", "create")


def test_a_revoked_passport_is_a_session_of_an_agent_of_an_account(
    told: Any, scout: Actor, scouts_passport: str
) -> None:
    told()
    jti = Passport.objects.get().jti
    restrict(Subject.PASSPORT, jti, scout, Effect.REVOKE)
    ended, changed = told()
    assert [kind_of(ended), said(changed)["change_type"]] == ["session-revoked", "revoke"]
    assert ended["sub_id"] == {
        "format": "complex",
        "session": {"format": "jwt_id", "iss": ISSUER, "jti": jti},
        "application": {"format": "iss_sub", "iss": ISSUER, "sub": scout.id},
        "tenant": {"format": "iss_sub", "iss": ISSUER, "sub": pairwise_id(scout.account.id, MODEL)},
    }


def test_a_stolen_key_is_a_compromise(told: Any, scout: Actor) -> None:
    restrict(Subject.KEY, scout.row.pk, scout, Effect.REVOKE, reason="key_stolen")
    compromised, revoked = told()
    assert kind_of(compromised) == "credential-compromise"
    assert said(compromised)["credential_type"] == "verifiable-credential"
    assert said(revoked)["change_type"] == "revoke"


def test_a_throttle_is_a_risk(told: Any, scout: Actor) -> None:
    restriction = restrict(Subject.AGENT, scout.id, scout, Effect.THROTTLE, factor=0.5)
    (raised,) = told()
    assert (said(raised)["current_level"], said(raised)["previous_level"]) == ("MEDIUM", "LOW")
    allow(restriction)
    assert said(told()[0])["current_level"] == "LOW"


def test_a_passport_issued_and_a_key_retired_are_changes_of_credentials(
    told: Any, endpoint: Any, scout: Actor
) -> None:
    endpoint.passport(scout)
    (issued,) = told()
    assert (kind_of(issued), said(issued)["change_type"]) == ("credential-change", "create")
    retire_key(scout.row, actor="user:usr_alice", now=the_clock.now())
    assert said(told()[0])["change_type"] == "delete"
    close_agent(scout.agent, actor="user:usr_alice", now=the_clock.now())
    assert kind_of(told()[0]) == "session-revoked"


def test_a_level_that_changed_says_from_where_to_where(told: Any, scout: Actor) -> None:
    append(
        "attestation.changed",
        actor="system:attestation",
        subject_ids=["att_1", scout.account.id],
        payload={"environment": "sandbox", "identity": "email", "payment": "instrument",
                 "before": {"identity": "document", "payment": "instrument"}},
    )  # fmt: skip
    (changed,) = told()
    assert kind_of(changed) == "assurance-level-change"
    members = said(changed)
    assert (members["previous_level"], members["current_level"]) == ("document", "email")
    assert members["change_direction"] == "decrease"
    assert members["namespace"] == f"{ISSUER}/assurance/identity"
    assert IDENTITY.index("email") < IDENTITY.index("document")


def test_a_token_given_back_is_told_to_the_service_that_it_was_for(told: Any, scout: Actor) -> None:
    jti = IssueRecord.objects.get().jti
    append(
        "token.revoked",
        actor=f"agent:{scout.id}",
        subject_ids=[jti, scout.id],
        payload={"jti": jti, "exp": 1},
    )
    (ended,) = told()
    assert ended["sub_id"] == {"format": "jwt_id", "iss": ISSUER, "jti": jti}
    assert said(ended)["initiating_entity"] == "user"


def test_a_leaked_signing_key_ends_every_passport_that_it_signed(
    told: Any, scout: Actor, scouts_passport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told()
    monkeypatch.setattr(translate, "AT_ONCE", 1)
    kid = Passport.objects.get().signing_key_id
    place([SubjectRef(Subject.SIGNING_KEY, kid, "")], effect=Effect.REVOKE, reason="signing_key_leaked",
          actor="user:usr_tina", now=the_clock.now(), final=True)  # fmt: skip
    assert [kind_of(claims) for claims in told()] == ["session-revoked", "credential-change"]


@pytest.mark.refusal("SSF-09")
def test_nothing_is_told_about_accounts_that_the_receiver_never_saw(
    told: Any, receiver: Receiver, scout: Actor, mallory: Actor, client: Any
) -> None:
    live = hire(scout.account, "live", environment=LIVE)
    restrict(Subject.ACCOUNT, mallory.account.id, mallory)
    restrict(Subject.AGENT, mallory.id, mallory)
    restrict(Subject.AGENT, live.id, live)
    subject = {"format": "iss_sub", "iss": ISSUER, "sub": mallory.id}
    stream = receiver.call("GET", "/ssf/streams").json()[0]["stream_id"]
    assert (
        receiver.call("POST", "/ssf/subjects/add", {"stream_id": stream, "subject": subject}).status_code
        == 200
    )
    restrict(Subject.AGENT, mallory.id, mallory)
    assert told() == []
    has_seen(mallory, SEARCH)
    restrict(Subject.AGENT, mallory.id, mallory)
    assert told() == []


def test_an_agent_that_called_a_second_ago_counts_as_seen(
    told: Any, endpoint: Any, mallory: Actor, model: Any
) -> None:
    token = endpoint.passport(mallory).json()["access_token"]
    assert endpoint.exchange(token, key=mallory.key).status_code == 200
    restrict(Subject.AGENT, mallory.id, mallory)
    assert "session-revoked" in [kind_of(claims) for claims in told()]


def test_who_was_removed_from_a_stream_is_not_told_of_until_added_again(
    told: Any, receiver: Receiver, scout: Actor
) -> None:
    stream = receiver.call("GET", "/ssf/streams").json()[0]["stream_id"]
    named = {"stream_id": stream, "subject": {"format": "iss_sub", "sub": scout.id, "iss": ISSUER}}
    restrict(Subject.AGENT, scout.id, scout)
    tell()
    assert receiver.call("POST", "/ssf/subjects/remove", named).status_code == 204
    assert told() == []
    assert receiver.call("POST", "/ssf/subjects/add", named).status_code == 200
    restrict(Subject.AGENT, scout.id, scout)
    assert len(told()) == 1


@pytest.mark.parametrize("subject", [None, {}, [], {"format": "iss_sub"}, {"format": "iss_sub", "iss": 1, "sub": "a"},
                                     {"format": "complex"}, {"format": "complex", "x": {}}, {"format": []},
                                     {"format": "complex", "user": {"format": "complex"}}])  # fmt: skip
def test_a_subject_that_is_not_well_formed_is_refused(receiver: Receiver, subject: Any) -> None:
    stream = receiver.open()
    for path in ("/ssf/subjects/add", "/ssf/subjects/remove"):
        assert receiver.call("POST", path, {"stream_id": stream, "subject": subject}).status_code == 400
