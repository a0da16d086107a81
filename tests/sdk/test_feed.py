"""Following the issuer: what is recalled is refused at once, what is undone works again, cuts lose nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_passport import AgentKey, Refusal, Verified, Verifier
from agent_passport._sse import EventParser, TooLong
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE, Clock, call, eventually, headers_of, make_proof


def reason(verifier: Verifier, key: AgentKey, token: str) -> str:
    result = call(verifier, key, token)
    return result.reason if isinstance(result, Refusal) else "good"


@pytest.fixture
def token(issuer: FakeIssuer, key: AgentKey) -> str:
    return issuer.access_token(key, AUDIENCE)


def test_a_revocation_is_heard_without_asking(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    assert reason(following, key, token) == "good"
    fetched = issuer.calls["/status/1"]
    issuer.tighten(7, 1)
    eventually(lambda: reason(following, key, token) == "passport_revoked", 1)
    assert issuer.calls["/status/1"] == fetched


def test_what_is_undone_works_again_by_the_signed_list(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.tighten(7, 2)
    eventually(lambda: reason(following, key, token) == "passport_suspended")
    issuer.loosen(7)
    eventually(lambda: reason(following, key, token) == "good")


def test_a_list_that_lags_behind_its_delta_does_not_loosen(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    stale = issuer.list_token()
    issuer.tighten(7, 1)
    eventually(lambda: reason(following, key, token) == "passport_revoked")
    issuer.list_token = lambda number=1: stale
    following._keeper.fetch_list(issuer.list_uri())
    assert reason(following, key, token) == "passport_revoked"


def test_a_denied_agent_is_refused_wherever_it_acts(
    following: Verifier, issuer: FakeIssuer, key: AgentKey
) -> None:
    delegated = issuer.access_token(key, AUDIENCE, act={"sub": "agent_sub", "act": {"sub": "agent_mallory"}})
    assert reason(following, key, delegated) == "good"
    issuer.deny("agent_mallory")
    eventually(lambda: reason(following, key, delegated) == "agent_denied")
    issuer.denied.clear()
    issuer.ledger += 1
    data = {"ledger": issuer.ledger, "token": issuer.denied_token()}
    issuer.feed.publish("denied-list", data)
    eventually(lambda: reason(following, key, delegated) == "good")


def test_one_access_token_can_be_revoked(following: Verifier, issuer: FakeIssuer, key: AgentKey) -> None:
    doomed, other = (issuer.access_token(key, AUDIENCE, jti=jti) for jti in ("doomed", "other"))
    issuer.ledger += 1
    issuer.feed.publish("token", {"ledger": issuer.ledger, "jti": "doomed", "exp": int(issuer.now()) + 300})
    eventually(lambda: reason(following, key, doomed) == "token_revoked")
    assert reason(following, key, other) == "good"


def test_what_happened_during_a_cut_is_told_after_it(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.feed.refuse = True
    issuer.feed.cut()
    eventually(lambda: not issuer.feed.readers)
    issuer.tighten(7, 1)
    issuer.feed.refuse = False
    eventually(lambda: reason(following, key, token) == "passport_revoked")
    assert issuer.feed.resumed_from[-1] == str(issuer.ledger - 1)


def test_a_gap_that_the_feed_no_longer_holds_is_closed_by_the_lists(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.feed.refuse = True
    issuer.feed.cut()
    eventually(lambda: not issuer.feed.readers)
    issuer.tighten(7, 1)
    issuer.feed.frames.clear()
    issuer.feed.held_from = issuer.ledger
    issuer.feed.refuse = False
    eventually(lambda: reason(following, key, token) == "passport_revoked")


def test_a_silent_feed_counts_as_cut_and_the_bound_then_refuses(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, clock: Clock
) -> None:
    issuer.stop()
    eventually(lambda: not issuer.feed.readers)
    clock.ahead = 3
    assert not following.is_live
    assert isinstance(at(clock, following, issuer, key), Verified)
    clock.ahead = 70
    refusal = at(clock, following, issuer, key)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "status_unavailable"


def test_after_an_outage_it_goes_on_by_itself(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, clock: Clock
) -> None:
    issuer.stop()
    clock.ahead = issuer.ahead = 70
    assert not at(clock, following, issuer, key)
    issuer.start()
    eventually(lambda: bool(at(clock, following, issuer, key)), 10)
    eventually(lambda: following.is_live, 10)


def at(clock: Clock, verifier: Verifier, issuer: FakeIssuer, key: AgentKey) -> Verified | Refusal:
    """A call with a token and a proof of the moment to which the clock was moved."""
    issuer.ahead = clock.ahead
    token = issuer.access_token(key, AUDIENCE)
    proof = make_proof(key, token, iat=int(clock.time()))
    return verifier.check("GET", "/echo", headers_of(token, proof))


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("status", {"uri": "https://evil.example/1", "1": "AQ"}),
        ("status", {"uri": "LIST", "1": "gA"}),
        ("status", {"uri": "LIST", "1": "//"}),
        ("denied", {"subs": "agent_x"}),
        ("denied-list", {"token": "nonsense"}),
        ("token", {"jti": "x", "exp": "soon"}),
    ],
)
def test_a_frame_that_cannot_be_read_loses_nothing(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str, event: str, data: dict[str, object]
) -> None:
    issuer.ledger += 1
    connections = len(issuer.feed.resumed_from)
    whole = {"ledger": issuer.ledger, **data}
    whole = {name: issuer.list_uri() if value == "LIST" else value for name, value in whole.items()}
    issuer.mark(7, 1)
    issuer.feed.publish(event, whole)
    issuer.feed.frames.clear()
    eventually(lambda: len(issuer.feed.resumed_from) > connections)
    eventually(lambda: reason(following, key, token) == "passport_revoked")


def test_a_key_that_leaked_is_dropped_when_the_feed_says_so(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    assert reason(following, key, token) == "good"
    issuer.published_keys = []
    issuer.ledger += 1
    issuer.feed.publish("keys", {"ledger": issuer.ledger})
    eventually(lambda: reason(following, key, token) != "good")


def test_an_issuer_that_was_set_up_again_is_followed_anew(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.ledger = 2
    issuer.feed.frames.clear()
    issuer.feed.cut()
    eventually(lambda: following._standing.position == 2)
    issuer.tighten(7, 1)
    eventually(lambda: reason(following, key, token) == "passport_revoked")


def test_it_starts_without_the_issuer_from_what_it_wrote_down(
    make_verifier: Callable[..., Verifier], issuer: FakeIssuer, key: AgentKey, tmp_path: Path
) -> None:
    options = {"client_id": "svc_infer", "client_secret": "secret", "state": tmp_path, "limits": False}
    first = make_verifier(**options).start()
    eventually(lambda: first.is_live and first.is_ready)
    issuer.tighten(9, 1)
    issuer.deny("agent_mallory")
    eventually(lambda: "agent_mallory" in first._standing.denied)
    first.close()
    issuer.stop()
    second = make_verifier(**options)
    assert reason(second, key, issuer.access_token(key, AUDIENCE)) == "good"
    revoked = {"status_list": {"idx": 9, "uri": issuer.list_uri()}}
    assert reason(second, key, issuer.access_token(key, AUDIENCE, status=revoked)) == "passport_revoked"
    denied = issuer.access_token(key, AUDIENCE, act={"sub": "agent_mallory"})
    assert reason(second, key, denied) == "agent_denied"


@pytest.mark.parametrize("damage", ["", "{", '{"version": 1}', "\0", "[]"])
def test_damaged_state_counts_as_none(
    make_verifier: Callable[..., Verifier], issuer: FakeIssuer, key: AgentKey, tmp_path: Path, damage: str
) -> None:
    first = make_verifier(state=tmp_path, limits=False)
    assert call(first, key, issuer.access_token(key, AUDIENCE))
    first.close()
    for path in tmp_path.iterdir():
        path.write_text(damage)
    assert call(make_verifier(state=tmp_path, limits=False), key, issuer.access_token(key, AUDIENCE))


def test_a_list_forged_on_disk_is_not_believed(
    make_verifier: Callable[..., Verifier], issuer: FakeIssuer, key: AgentKey, tmp_path: Path
) -> None:
    issuer.mark(7, 1)
    first = make_verifier(state=tmp_path, limits=False)
    assert reason(first, key, issuer.access_token(key, AUDIENCE)) == "passport_revoked"
    first.close()
    issuer.stop()
    (path,) = tmp_path.glob("list-*")
    path.write_text(path.read_text().replace("eyJ", "eyK", 1))
    second = make_verifier(state=tmp_path, limits=False)
    assert reason(second, key, issuer.access_token(key, AUDIENCE)) == "status_unavailable"


def test_a_closed_verifier_leaves_no_thread_and_can_be_used_again(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    feed, keeper = following._feed, following._keeper
    following.close()
    assert feed is not None
    assert not feed._thread.is_alive()
    assert not keeper._thread.is_alive()
    assert reason(following, key, token) == "good"


events = st.lists(
    st.tuples(
        st.sampled_from(["tick", "status"]),
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    )
)


@given(events, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 7))
def test_events_come_out_whole_however_they_are_cut(sent: list[tuple[str, str]], end: str, size: int) -> None:
    stream = "".join(f": x{end}id: 5{end}event: {name}{end}data: {data}{end}{end}" for name, data in sent)
    raw = (stream + ":" + end).encode()
    parser = EventParser()
    read = [event for at in range(0, len(raw), size) for event in parser.feed(raw[at : at + size])]
    assert [(event.name, event.data) for event in read] == sent


@given(st.binary())
def test_any_bytes_are_events_or_none(raw: bytes) -> None:
    EventParser().feed(raw)


def test_an_event_without_end_is_cut_off() -> None:
    parser = EventParser()
    line = b"data: " + b"x" * 1024 * 1024 + b"\n"
    for _ in range(7):
        parser.feed(line)
    with pytest.raises(TooLong):
        parser.feed(line)
