"""Vectors of tokens, lists, deltas, whole requests and refusals: our verdicts, and those of PyJWT beside them."""

import hashlib
import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from agent_passport import MemoryReplay, Refusal, Verified, Verifier, _base64, _errors, _jws
from agent_passport._credential import Credential, Kind, read_credential
from agent_passport._flow import Answer
from agent_passport._grants import _refusal
from agent_passport._keyset import KeySet
from agent_passport._nonces import Nonces
from agent_passport._proofs import check_proof, read_proof
from agent_passport._refusals import Refused
from agent_passport._standing import Delta, Tracked
from agent_passport._status_list import BadList, StatusList, _unpack, read_gaps, read_list

FOLDER = Path(__file__).parents[1] / "vectors"


def vectors(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


TOKENS, CALLS, LISTS, DELTAS, ERRORS, SPECIFICATIONS = map(
    vectors, ("tokens.json", "calls.json", "lists.json", "deltas.json", "errors.json", "specifications.json")
)
by_name = partial(pytest.mark.parametrize, "case", ids=lambda case: case.get("name") or case["source"])


def keys_of(jwks: object) -> KeySet:
    keys = KeySet()
    keys.replace(jwks, 0)
    return keys


# Tokens.


def read_token(token: str) -> Credential:
    jws = _jws.parse(token, max_bytes=_jws.TOKEN_BYTES)
    if jws.typ != "at+jwt":
        raise ValueError("typ")
    keys_of(TOKENS["jwks"]).verify(jws)
    credential = read_credential(jws, Kind(TOKENS["issuer"], TOKENS["audience"]))
    credential.check_time(TOKENS["now"])
    return credential


def verdict_on(token: str) -> tuple[str, dict[str, Any]]:
    try:
        credential = read_token(token)
    except (Refused, ValueError) as error:
        return getattr(error, "code", "invalid_token"), {}
    return "good", {
        "agent": credential.agent,
        "subject": credential.claims["sub"],
        "account": credential.account,
        "scopes": sorted(credential.scopes),
        "parties": sorted(credential.parties),
    }


@by_name(argvalues=TOKENS["cases"])
def test_a_token_gets_its_verdict(case: dict[str, Any]) -> None:
    verdict, read = verdict_on(case["token"])
    assert verdict == case["verdict"]
    assert case.get("read", {}).items() <= read.items()


@by_name(argvalues=TOKENS["cases"])
def test_what_we_accept_a_common_library_accepts_too(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jwt.api_jwt.datetime", at(TOKENS["now"]))
    key = jwt.PyJWK(TOKENS["jwks"]["keys"][0]).key
    try:
        jwt.decode(
            case["token"], key, algorithms=["ES256"], leeway=30, issuer=TOKENS["issuer"],
            audience=TOKENS["audience"], options={"require": ["iss", "aud", "exp"]},
        )  # fmt: skip
    except jwt.PyJWTError:
        assert case["verdict"] != "good"
        assert not case["plain"]
    else:
        assert case["plain"] or case["verdict"] != "good"


def at(seconds: int) -> Any:
    """PyJWT takes no time as a parameter."""

    class Standing(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Standing":
            return cls.fromtimestamp(seconds, tz)

    return Standing


# Whole requests.


def make_verifier(**options: Any) -> Verifier:
    """Its issuer is what the vectors say, one call away; all else is refused the connection."""
    replay = MemoryReplay()
    replay.complete_since = None
    made = Verifier(
        CALLS["issuer"], CALLS["audience"], limits=False, replay=replay, clock=lambda: CALLS["now"], **options
    )
    made._client.__dict__["_http"] = httpx.Client(transport=httpx.MockTransport(answer))
    return made


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/.well-known/jwks.json":
        return httpx.Response(200, json=CALLS["jwks"])
    found = CALLS["lists"].get(str(request.url))
    return httpx.Response(200, text=found) if found else httpx.Response(404)


@by_name(argvalues=CALLS["cases"])
def test_a_request_gets_its_answer(case: dict[str, Any]) -> None:
    with make_verifier(**case["options"]) as verifier:
        headers = [(name, value) for name, value in case["headers"]]
        form = case["form"].encode()
        result = verifier.check(case["method"], case["target"], headers, scope=case["scope"], form=form)
    if case["code"] == "good":
        assert isinstance(result, Verified), result
        return
    assert isinstance(result, Refusal)
    assert (result.status, result.code, result.reason) == (case["status"], case["code"], case["reason"])
    sent = dict(result.headers)
    assert sent.get("WWW-Authenticate") == case["challenge"]
    assert ("DPoP-Nonce" in sent) == (case["code"] == "use_dpop_nonce")
    assert json.loads(result.body)["status"] == case["status"]


# Lists.


def install(token: str, uri: str, known: dict[str, Any] = LISTS) -> StatusList:
    verify = keys_of(known["jwks"]).verify
    return read_list(token, uri=uri, issuer=known["issuer"], verify=verify, now=known["now"])


@by_name(argvalues=LISTS["cases"])
def test_a_list_gets_its_verdict(case: dict[str, Any]) -> None:
    if case["verdict"] == "bad":
        with pytest.raises(BadList):
            install(case["token"], case["uri"])
        return
    found = install(case["token"], case["uri"])
    assert len(found) == case.get("length", len(found))
    assert found.ledger == case.get("ledger", found.ledger)
    for index, value in case.get("values", {}).items():
        assert found.value(int(index)) == value


@by_name(argvalues=LISTS["encodings"])
def test_the_examples_of_the_draft_are_unpacked_to_their_bytes(case: dict[str, Any]) -> None:
    bits, content = _unpack({"bits": case["bits"], "lst": case["lst"]})
    assert (bits, content.hex()) == (case["bits"], case["bytes"])
    found = StatusList("uri", bits, content, 0, 1, 1, 0)
    assert [found.value(index) for index in range(len(case["values"]))] == case["values"]


@by_name(argvalues=DELTAS["packings"])
def test_a_packed_delta_is_read_as_its_indexes(case: dict[str, Any]) -> None:
    if case["indexes"] is None:
        with pytest.raises(BadList):
            read_gaps(case["packed"])
    else:
        assert read_gaps(case["packed"]) == case["indexes"]


@by_name(argvalues=DELTAS["sequences"])
def test_a_list_that_is_followed_ends_as_the_vectors_say(case: dict[str, Any]) -> None:
    tracked = Tracked()
    for step in case["steps"]:
        take(tracked, step)
    assert tracked.held is not None
    assert {index: tracked.held.value(int(index)) for index in case["values"]} == case["values"]
    assert tracked.is_wanting == case["wanting"]


def take(tracked: Tracked, step: dict[str, Any]) -> None:
    if "list" in step:
        tracked.install(install(step["list"], DELTAS["uri"], DELTAS), DELTAS["now"])
    elif "delta" in step:
        delta = step["delta"]
        values = {value: tuple(read_gaps(delta[str(value)])) for value in (1, 2) if str(value) in delta}
        tracked.follow(Delta(delta["ledger"], values))
    else:
        tracked.wanted = max(tracked.wanted, step["want"])


# Refusals of the token endpoint.


@by_name(argvalues=ERRORS["cases"])
def test_a_refusal_becomes_its_error(case: dict[str, Any]) -> None:
    headers = httpx.Headers(case["headers"])
    error = _refusal(Answer(case["status"], headers, case["body"].encode()), ERRORS["now"])
    found = (type(error).__name__, error.code, error.reason, error.retry_after, error.status)
    assert found == (case["class"], case["code"], case["reason"], case["retry_after"], case["status"])
    assert error.description == case.get("description", error.description)
    assert isinstance(error, _errors.AgentPassportError)
    assert error.cure


# What stands in the specifications.


@by_name(argvalues=SPECIFICATIONS["proofs"])
def test_the_proof_of_a_specification_is_good(case: dict[str, Any]) -> None:
    asked = {name: case[name] for name in ("method", "url", "now")}
    proof = read_proof([case["proof"]], **asked, nonces=Nonces(b"secret"))
    assert proof.thumbprint == case["thumbprint"]
    if case["token"]:
        token_hash = _base64.encode(hashlib.sha256(case["token"].encode()).digest())
        check_proof([case["proof"]], **asked, token_hash=token_hash, nonces=Nonces(b"secret"))


@by_name(argvalues=SPECIFICATIONS["signatures"])
def test_the_signature_of_a_specification_is_good(case: dict[str, Any]) -> None:
    jws = _jws.parse(case["token"], max_bytes=_jws.TOKEN_BYTES)
    keys_of({"keys": [case["key"] | {"kid": "a"}]}).find("a").verify(jws.alg, jws.signed, jws.signature)
    assert jws.claims == case["claims"]


@by_name(argvalues=SPECIFICATIONS["lists"])
def test_the_list_of_a_specification_is_good(case: dict[str, Any]) -> None:
    known = {"jwks": {"keys": [case["key"]]}, "issuer": case["issuer"], "now": case["now"]}
    found = install(case["token"], case["uri"], known)
    assert [found.value(index) for index in range(len(found))] == case["values"]
