"""Reading status lists and deltas: the numbers of the draft, and whatever else arrives."""

import json
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_passport import AgentKey, Refusal, Verifier, _jws
from agent_passport._status_list import BadList, StatusList, read_gaps, read_list
from tests.sdk.encoding import b64, packed
from tests.sdk.fake_issuer import ENTRIES, FakeIssuer
from tests.sdk.service_side import ALGS, AUDIENCE, Clock, call, challenge, headers_of, make_proof

INVALID_TOKEN = (401, [f'DPoP error="invalid_token", {ALGS}'])
UNAVAILABLE = (503, [])


def held(bits: int, raw: bytes) -> StatusList:
    return StatusList("uri", bits, bytearray(raw), 0, 300, 60, 0)


def test_the_examples_of_the_draft_read_as_they_say() -> None:
    one = held(1, bytes.fromhex("b9a3"))
    assert [one.value(index) for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    two = held(2, bytes.fromhex("c944f9"))
    assert [two.value(index) for index in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


steps = st.lists(st.tuples(st.integers(0, 39), st.sampled_from([1, 2])))


@given(steps)
def test_a_list_only_ever_tightens_under_deltas(changes: list[tuple[int, int]]) -> None:
    status_list = held(2, bytes(10))
    strictness = {0: 0, 2: 1, 1: 2}
    for index, value in changes:
        before = [status_list.value(at) for at in range(40)]
        status_list.tighten(index, value)
        after = [status_list.value(at) for at in range(40)]
        assert strictness[after[index]] == max(strictness[before[index]], strictness[value])
        assert before[:index] + before[index + 1 :] == after[:index] + after[index + 1 :]


@given(st.sets(st.integers(0, 2**26 - 1)))
def test_packed_indexes_come_back_sorted(indexes: set[int]) -> None:
    assert read_gaps(packed(sorted(indexes))) == sorted(indexes)


@given(st.one_of(st.text(), st.binary().map(b64), st.integers(), st.none()))
def test_any_delta_is_indexes_or_a_typed_error(value: object) -> None:
    try:
        indexes = read_gaps(value)
    except BadList:
        return
    assert indexes == sorted(set(indexes))


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_any_list_is_a_list_or_a_typed_error(token: str) -> None:
    with pytest.raises(BadList):
        read_list(token, uri="u", issuer="i", verify=lambda jws: None, now=0)


def bomb() -> dict[str, object]:
    return {"bits": 2, "lst": b64(zlib.compress(bytes(8 * 1024 * 1024 + 1)))}


BAD_LISTS = {
    "another address": {"sub": "https://passport.example/status/2"},
    "another issuer": {"iss": "https://evil.example"},
    "past its end": {"exp": int(time.time()) - 1},
    "no end": {"exp": None},
    "odd bits": {"status_list": {"bits": 3, "lst": b64(zlib.compress(bytes(256)))}},
    "bits true": {"status_list": {"bits": True, "lst": b64(zlib.compress(bytes(256)))}},
    "too long": {"status_list": bomb()},
    "cut off": {"status_list": {"bits": 2, "lst": b64(zlib.compress(bytes(256))[:-3])}},
    "a tail": {"status_list": {"bits": 2, "lst": b64(zlib.compress(bytes(256)) + b"x")}},
    "not compressed": {"status_list": {"bits": 2, "lst": b64(bytes(256))}},
    "no list": {"status_list": None},
    "ttl as text": {"ttl": "60"},
}


@pytest.mark.refusal("SL-04")
@pytest.mark.parametrize("name", [*BAD_LISTS, "typ", "signature", "index"])
def test_a_token_is_refused_when_its_list_is_not_as_it_must_be(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, name: str
) -> None:
    issuer.list_changes = BAD_LISTS.get(name, {})
    issuer.list_header = {"typ": "at+jwt"} if name == "typ" else {}
    status = {"status_list": {"idx": ENTRIES if name == "index" else 7, "uri": issuer.list_uri()}}
    if name == "signature":
        whole = issuer.list_token()
        issuer.list_token = lambda number=1: whole[:-4] + "AAAA"
    refusal = call(verifier, key, issuer.access_token(key, AUDIENCE, status=status))
    assert challenge(refusal) == (INVALID_TOKEN if name == "index" else UNAVAILABLE)


def later(verifier: Verifier, issuer: FakeIssuer, key: AgentKey, clock: Clock) -> object:
    """A call with a token and a proof of the moment to which the clock was moved."""
    issuer.ahead = clock.ahead
    token = issuer.access_token(key, AUDIENCE)
    return verifier.check("GET", "/echo", headers_of(token, make_proof(key, token, iat=int(clock.time()))))


@pytest.mark.refusal("SL-05")
@pytest.mark.parametrize(("outage", "good_for"), [("ttl", 60), ("exp", 300)])
def test_an_unreachable_list_serves_to_its_bound_and_then_refuses(
    make_verifier: Callable[..., Verifier],
    issuer: FakeIssuer,
    key: AgentKey,
    clock: Clock,
    outage: str,
    good_for: int,
) -> None:
    verifier = make_verifier(limits=False, outage=outage)
    assert call(verifier, key, issuer.access_token(key, AUDIENCE))
    issuer.stop()
    clock.ahead = good_for - 3
    assert later(verifier, issuer, key, clock)
    clock.ahead = good_for + 1
    refusal = later(verifier, issuer, key, clock)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (503, "status_unavailable")
    assert ("Retry-After", "1") in refusal.headers


@pytest.mark.refusal("SL-06")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/status/1",
        "http://127.0.0.1:1/status/1",
        "/status/1",
        "file:///etc/passwd",
        "http://[::",
    ],
)
def test_a_list_elsewhere_is_not_fetched(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, uri: str
) -> None:
    status = {"status_list": {"idx": 7, "uri": uri}}
    assert challenge(call(verifier, key, issuer.access_token(key, AUDIENCE, status=status))) == INVALID_TOKEN


def test_a_list_on_another_host_that_begins_like_the_issuer_is_not_fetched(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey
) -> None:
    for uri in (f"{issuer.url}@evil.example/status/1", f"{issuer.url}.evil.example/status/1"):
        status = {"status_list": {"idx": 7, "uri": uri}}
        assert (
            challenge(call(verifier, key, issuer.access_token(key, AUDIENCE, status=status))) == INVALID_TOKEN
        )


@pytest.mark.refusal("SL-07")
def test_an_older_list_does_not_replace_a_newer_one(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, clock: Clock
) -> None:
    issuer.mark(7, 1)
    token = issuer.access_token(key, AUDIENCE)
    assert challenge(call(verifier, key, token)) == INVALID_TOKEN
    issuer.mark(7, 0)
    issuer.list_changes = {"iat": int(time.time()) - 100}
    verifier._keeper.fetch_list(issuer.list_uri())
    assert challenge(call(verifier, key, token)) == INVALID_TOKEN


@given(st.text())
def test_any_text_is_a_jwt_or_malformed(text: str) -> None:
    with pytest.raises(_jws.Malformed):
        _jws.parse(text, max_bytes=100_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(
    st.sampled_from(["typ", "kid", "crit", "sub", "act"]) | st.text(max_size=5), json_values, max_size=4
)


@given(objects, objects)
def test_whatever_json_a_jwt_holds_it_is_read_or_malformed(
    header: dict[str, object], claims: dict[str, object]
) -> None:

    parts = [b64(json.dumps(part).encode()) for part in ({**header, "alg": "ES256"}, claims)]
    try:
        jws = _jws.parse(".".join([*parts, "AAAA"]), max_bytes=100_000)
    except _jws.Malformed:
        return
    assert jws.claims == claims


@pytest.mark.parametrize(
    "claims",
    ['{"sub":"a","sub":"b"}', '{"act":{"sub":"a","sub":"b"}}', '{"n":NaN}', "[" * 5000, '{"a":' * 17 + "1" + "}" * 17, '{"jti":"\\ud800"}', "[]", '"x"'],
)  # fmt: skip
def test_json_that_two_readers_could_read_differently_is_malformed(claims: str) -> None:
    token = ".".join([b64(b'{"alg":"ES256"}'), b64(claims.encode()), "AAAA"])
    with pytest.raises(_jws.Malformed):
        _jws.parse(token, max_bytes=100_000)


def test_a_second_spelling_of_the_same_bytes_is_malformed() -> None:
    with pytest.raises(_jws.Malformed):
        _jws.parse(f"{b64(b'{"alg":"ES256"}')}.e30.AB", max_bytes=1000)
