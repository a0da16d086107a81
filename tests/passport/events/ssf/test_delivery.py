"""Push (RFC 8935) and poll (RFC 8936)."""

from typing import Any

import pytest

from foundation import clock as the_clock
from foundation.outbound.client import Fetched, OutboundError
from passport.agents.keys import parse_public_jwk
from passport.agents.registration import add_key
from passport.events.ssf import push, reader
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.pausing import sweep
from passport.fields import Effect
from passport.jose.keys import jwk_of
from passport.proofs.jwt import parse, verify
from passport.restrictions.place import place
from passport.restrictions.subjects import Subject, SubjectRef
from passport.signing import keys
from tests.cast import ISSUER, MODEL, Actor, Key, claims_of, header_of
from tests.passport.events.ssf.conftest import (
    ENDPOINT,
    EVENTS_KEY,
    Receiver,
    has_seen,
    kind_of,
    refusing,
    tell,
)


def suspend(actor: Actor) -> None:
    place(
        [SubjectRef(Subject.AGENT, actor.id, actor.account.id)],
        effect=Effect.SUSPEND, reason="abuse", actor="user:usr_tina", now=the_clock.now(),
    )  # fmt: skip


def new_key(actor: Actor) -> None:
    add_key(actor.agent, parse_public_jwk(Key().jwk), actor="user:usr_alice", now=the_clock.now())


def ask(receiver: Receiver, stream: str, state: str = "") -> Any:
    return receiver.call("POST", "/ssf/verify", {"stream_id": stream, **({"state": state} if state else {})})


def test_an_event_is_pushed_as_a_signed_set(receiver: Receiver, scout: Actor, travel: Any) -> None:
    has_seen(scout)
    receiver.open_push(authorization_header="Bearer r")
    suspend(scout)
    travel(seconds=1)
    (call,) = receiver.calls
    assert (call.method, call.url) == ("POST", ENDPOINT)
    assert call.headers == {
        "Content-Type": "application/secevent+jwt", "Accept": "application/json", "Authorization": "Bearer r"
    }  # fmt: skip
    assert header_of(call.body) == {"alg": "RS256", "kid": keys.active("events").kid, "typ": "secevent+jwt"}
    verify(parse(call.body, max_bytes=8192), jwk_of(EVENTS_KEY.public_key()), "RS256")
    claims = claims_of(call.body)
    assert set(claims) == {"iss", "iat", "jti", "aud", "txn", "sub_id", "events"}
    assert (claims["iss"], claims["aud"]) == (ISSUER, MODEL)
    assert claims["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": scout.id}


def test_the_key_of_events_is_published(receiver: Receiver, client: Any) -> None:
    published = {key["kid"]: key for key in client.get("/.well-known/jwks.json").json()["keys"]}
    assert published[keys.active("events").kid]["alg"] == "RS256"


def test_a_verification_comes_back_with_the_receivers_state(receiver: Receiver, travel: Any) -> None:
    stream = receiver.open_push()
    assert ask(receiver, stream, "abc").status_code == 204
    again = ask(receiver, stream)
    assert (again.status_code, again.headers["Retry-After"]) == (429, "60")
    travel(seconds=1)
    (claims,) = receiver.got
    assert claims["sub_id"] == {"format": "opaque", "id": stream}
    assert list(claims["events"].values()) == [{"state": "abc"}]
    assert "txn" not in claims


def test_a_worker_killed_before_it_noted_a_delivery_sends_the_same_jti(
    receiver: Receiver, scout: Actor, travel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_seen(scout)
    receiver.open_push()
    suspend(scout)
    with monkeypatch.context() as dying:
        dying.setattr(push, "note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            travel(seconds=1)
    travel(minutes=3)
    first, second = receiver.got
    assert first["jti"] == second["jti"]
    assert StreamEvent.objects.get().state == "delivered"
    travel(minutes=3)
    assert len(receiver.got) == 2


def test_a_reader_killed_half_way_tells_nothing_twice_and_misses_nothing(
    receiver: Receiver, scout: Actor, travel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_seen(scout)
    receiver.open_push()
    suspend(scout)
    with monkeypatch.context() as dying:
        dying.setattr(reader.LedgerCursor, "save", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tell()
    assert StreamEvent.objects.count() == 0
    travel(seconds=1)
    travel(seconds=1)
    assert receiver.kinds == ["session-revoked"]


@pytest.mark.refusal("SSF-06")
def test_a_push_that_fails_is_tried_again_in_order_and_after_seven_days_the_stream_pauses(
    receiver: Receiver, scout: Actor, travel: Any
) -> None:
    has_seen(scout)
    stream = receiver.open_push()
    suspend(scout)
    new_key(scout)
    receiver.answer = OutboundError("connection")
    travel(seconds=1)
    travel(seconds=30)
    travel(days=3)
    assert set(receiver.kinds) == {"session-revoked"}
    assert len({claims["jti"] for claims in receiver.got}) == 1
    tried = len(receiver.got)
    assert tried == 3
    travel(seconds=1)
    assert len(receiver.got) == tried, "the back-off has not passed"
    travel(days=5)
    assert EventStream.objects.get().status == "paused"
    receiver.answer = Fetched(202, {}, b"")
    travel(hours=2)
    assert kind_of(receiver.got[-1]) == "stream-updated"
    assert next(iter(receiver.got[-1]["events"].values()))["status"] == "paused"
    receiver.call("POST", "/ssf/status", {"stream_id": stream, "status": "enabled"})
    travel(seconds=1)
    assert receiver.kinds[-2:] == ["session-revoked", "credential-change"]


def test_an_event_that_is_refused_holds_only_what_is_about_the_same_account(
    receiver: Receiver, scout: Actor, mallory: Actor, travel: Any
) -> None:
    for actor in (scout, mallory):
        has_seen(actor)
    receiver.open_push()
    suspend(scout)
    new_key(scout)
    suspend(mallory)
    receiver.answer = lambda claims: (
        refusing("invalid_key") if claims["sub_id"].get("sub") == scout.id else Fetched(202, {}, b"")
    )
    travel(seconds=1)
    assert [claims["sub_id"]["sub"] for claims in receiver.got] == [scout.id, mallory.id]
    receiver.answer = Fetched(202, {}, b"")
    travel(seconds=10)
    assert receiver.kinds[2:] == ["session-revoked", "credential-change"]


def test_what_was_refused_for_seven_days_is_a_dead_letter(
    receiver: Receiver, scout: Actor, travel: Any
) -> None:
    has_seen(scout)
    receiver.open_push()
    suspend(scout)
    receiver.answer = refusing("invalid_audience")
    travel(seconds=1)
    travel(days=8)
    dead = StreamEvent.objects.get(state="dead")
    assert dead.error == "refused: invalid_audience"
    assert EventStream.objects.get().status == "paused"


@pytest.mark.parametrize("status", [200, 204, 301, 401, 500])
def test_only_202_says_that_the_receiver_has_it(receiver: Receiver, travel: Any, status: int) -> None:
    stream = receiver.open_push()
    ask(receiver, stream)
    receiver.answer = Fetched(status, {}, b"ok")
    travel(seconds=1)
    assert EventStream.objects.get().last_error == f"answered {status}"
    assert StreamEvent.objects.get().state == "waiting"


def test_a_paused_stream_holds_events_and_a_disabled_one_drops_them(
    receiver: Receiver, scout: Actor, travel: Any
) -> None:
    has_seen(scout)
    stream = receiver.open_push()
    receiver.call("POST", "/ssf/status", {"stream_id": stream, "status": "paused"})
    suspend(scout)
    travel(seconds=1)
    assert receiver.got == []
    receiver.call("POST", "/ssf/status", {"stream_id": stream, "status": "enabled"})
    travel(seconds=1)
    assert receiver.kinds == ["session-revoked"]
    receiver.call("POST", "/ssf/status", {"stream_id": stream, "status": "disabled"})
    new_key(scout)
    travel(seconds=1)
    receiver.call("POST", "/ssf/status", {"stream_id": stream, "status": "enabled"})
    travel(seconds=1)
    assert receiver.kinds == ["session-revoked"]


class TestPolling:
    @pytest.fixture
    def stream(self, receiver: Receiver, scout: Actor) -> str:
        has_seen(scout)
        stream = receiver.open()
        suspend(scout)
        new_key(scout)
        tell()
        return stream

    def test_events_come_in_order_until_they_are_acknowledged(self, receiver: Receiver, stream: str) -> None:
        first = receiver.poll(stream, maxEvents=1, returnImmediately=True)
        assert first["moreAvailable"] is True
        ((jti, token),) = first["sets"].items()
        assert claims_of(token)["jti"] == jti
        assert next(iter(receiver.poll(stream)["sets"])) == jti
        second = receiver.poll(stream, ack=[jti])
        assert second["moreAvailable"] is False
        assert [kind_of(claims_of(token)) for token in second["sets"].values()] == ["credential-change"]

    @pytest.mark.refusal("SSF-07")
    def test_an_acknowledgement_of_what_was_never_sent_is_ignored(
        self, receiver: Receiver, stream: str, model: Any
    ) -> None:
        other = receiver.open()
        held = receiver.poll(stream)["sets"]
        receiver.poll(other, ack=[*held, "set_unknown", "\t"], setErrs={"set_x": {"err": "invalid_key"}})
        assert receiver.poll(stream)["sets"].keys() == held.keys()

    @pytest.mark.refusal("SSF-08")
    def test_asking_for_no_events_only_acknowledges(self, receiver: Receiver, stream: str) -> None:
        held = list(receiver.poll(stream)["sets"])
        assert receiver.poll(stream, maxEvents=0, ack=held[:1]) == {"sets": {}, "moreAvailable": True}
        assert list(receiver.poll(stream)["sets"]) == held[1:]

    def test_what_the_receiver_refuses_is_a_dead_letter(self, receiver: Receiver, stream: str) -> None:
        jti = next(iter(receiver.poll(stream)["sets"]))
        receiver.poll(stream, setErrs={jti: {"err": "invalid_audience", "description": "not mine"}})
        assert StreamEvent.objects.get(state="dead").error == "refused: invalid_audience"
        assert jti not in receiver.poll(stream)["sets"]

    @pytest.mark.parametrize("asked", [{"maxEvents": -1}, {"maxEvents": "1"}, {"maxEvents": True}, {"ack": "x"},
                                       {"ack": [1]}, {"setErrs": []}, {"setErrs": {"a": "b"}},
                                       {"returnImmediately": 1}])  # fmt: skip
    def test_a_poll_that_is_not_well_formed_is_refused(
        self, receiver: Receiver, stream: str, asked: dict[str, Any]
    ) -> None:
        assert receiver.call("POST", f"/ssf/poll/{stream}", asked).status_code == 400

    def test_a_stream_that_nobody_polls_pauses(self, receiver: Receiver, stream: str, clock: Any) -> None:
        clock.forward(days=8)
        sweep()
        (token,) = receiver.poll(stream)["sets"].values()
        assert kind_of(claims_of(token)) == "stream-updated"
