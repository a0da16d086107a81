"""Whom a service lets in, and the exact answer to everybody else. Nothing asks the issuer at request time."""

import json
import time
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent_passport import AgentKey, MemoryReplay, Refusal, ReplayUnavailable, Verified, Verifier
from tests.sdk.encoding import thumbprint_of
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import ALGS, AUDIENCE, Clock, call, challenge, headers_of, make_proof, private_of

INVALID_TOKEN = (401, [f'DPoP error="invalid_token", {ALGS}'])
INVALID_PROOF = (401, [f'DPoP error="invalid_dpop_proof", {ALGS}'])
INVALID_REQUEST = (400, [f'DPoP error="invalid_request", {ALGS}'])


@pytest.fixture
def token(issuer: FakeIssuer, any_key: AgentKey) -> str:
    return issuer.access_token(any_key, AUDIENCE)


def test_a_good_call_says_who_calls(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    verified = call(verifier, any_key, token, scope="echo:read")
    assert isinstance(verified, Verified)
    assert (verified.agent, verified.account) == ("agent_alice1", "pair_alice")
    assert verified.scopes == {"echo:read", "model:infer"}


def test_the_issuer_may_be_gone_once_keys_and_list_are_here(
    verifier: Verifier, issuer: FakeIssuer, any_key: AgentKey, token: str
) -> None:
    assert call(verifier, any_key, token)
    issuer.stop()
    assert call(verifier, any_key, token)
    assert call(verifier, any_key, issuer.access_token(any_key, AUDIENCE))


def test_a_call_without_a_token_is_told_what_is_needed(verifier: Verifier) -> None:
    assert challenge(verifier.check("GET", "/echo", [])) == (401, [f"DPoP {ALGS}"])
    assert challenge(verifier.check("GET", "/echo", [("Authorization", "Basic YTpi")])) == (
        401,
        [f"DPoP {ALGS}"],
    )


BROKEN_CLAIMS = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "https://other.example"},
    "several audiences": {"aud": [AUDIENCE, "https://other.example"]},
    "expired": {"exp": int(time.time()) - 31},
    "from the future": {"iat": int(time.time()) + 3600},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "9999999999"},
    "expiry as a fraction": {"exp": time.time() + 60.5},
    "expiry true": {"exp": True},
    "no subject": {"sub": None},
    "no client": {"client_id": None},
    "no jti": {"jti": None},
    "no status": {"status": None},
    "status without index": {"status": {"status_list": {"uri": "x"}}},
    "a second confirmation": {"cnf": {"jkt": "x", "x5t#S256": "y"}},
    "act without a subject": {"act": {"iss": "x"}},
    "act of text": {"act": "agent_x"},
    "scope as a list": {"scope": ["echo:read"]},
}


@pytest.mark.parametrize("name", BROKEN_CLAIMS)
def test_a_token_that_says_the_wrong_thing_is_refused(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, name: str
) -> None:
    broken = issuer.access_token(key, AUDIENCE, **BROKEN_CLAIMS[name])
    assert challenge(call(verifier, key, broken)) == INVALID_TOKEN


BROKEN_SIGNATURES: dict[str, Callable[[FakeIssuer, AgentKey], str]] = {
    "typ of a passport": lambda i, k: i.sign(i.access_claims(k, AUDIENCE), typ="agent-passport+jwt"),
    "typ of a list": lambda i, k: i.sign(i.access_claims(k, AUDIENCE), typ="statuslist+jwt"),
    "no typ": lambda i, k: i.sign(i.access_claims(k, AUDIENCE), typ="JWT"),
    "crit": lambda i, k: i.sign(i.access_claims(k, AUDIENCE), typ="at+jwt", crit=["exp"]),
    "jku": lambda i, k: i.sign(i.access_claims(k, AUDIENCE), typ="at+jwt", jku="https://evil.example/keys"),
    "a key of its own": lambda i, k: jwt.encode(
        i.access_claims(k, AUDIENCE), private_of(k), algorithm=k.alg, headers={"typ": "at+jwt", "kid": i.kid, "jwk": k.public_jwk}
    ),
    "none": lambda i, k: jwt.encode(
        i.access_claims(k, AUDIENCE), None, algorithm="none", headers={"typ": "at+jwt", "kid": i.kid}
    ),
    "the public key as a secret": lambda i, k: jwt.encode(
        i.access_claims(k, AUDIENCE), public_bytes(i), algorithm="HS256", headers={"typ": "at+jwt", "kid": i.kid}
    ),
    "kid of another": lambda i, k: i.sign(
        i.access_claims(k, AUDIENCE), typ="at+jwt", key=ec.generate_private_key(ec.SECP256R1()), kid=i.kid
    ),
    "an unknown key": lambda i, k: i.sign(
        i.access_claims(k, AUDIENCE), typ="at+jwt", key=ec.generate_private_key(ec.SECP256R1())
    ),
    "claims exchanged": lambda i, k: exchange_claims(i, k),
    "cut off": lambda i, k: i.access_token(k, AUDIENCE)[:-2],
    "no signature": lambda i, k: i.access_token(k, AUDIENCE).rpartition(".")[0] + ".",
    "nonsense": lambda i, k: "nonsense",
}  # fmt: skip


def public_bytes(issuer: FakeIssuer) -> bytes:
    return issuer.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def exchange_claims(issuer: FakeIssuer, key: AgentKey) -> str:
    header, _, signature = issuer.access_token(key, AUDIENCE).split(".")
    _, claims, _ = issuer.access_token(key, AUDIENCE, sub="agent_mallory").split(".")
    return f"{header}.{claims}.{signature}"


@pytest.mark.parametrize("name", BROKEN_SIGNATURES)
def test_a_token_that_the_issuer_did_not_sign_so_is_refused(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, name: str
) -> None:
    assert challenge(call(verifier, key, BROKEN_SIGNATURES[name](issuer, key))) == INVALID_TOKEN


def test_made_up_key_ids_cause_one_look_at_the_key_set(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey
) -> None:
    assert call(verifier, key, issuer.access_token(key, AUDIENCE))
    looked = issuer.calls["/.well-known/jwks.json"]
    for _ in range(5):
        stranger = ec.generate_private_key(ec.SECP256R1())
        call(verifier, key, issuer.sign(issuer.access_claims(key, AUDIENCE), typ="at+jwt", key=stranger))
    assert issuer.calls["/.well-known/jwks.json"] == looked + 1


def test_a_new_signing_key_is_found_and_a_leaked_one_is_dropped(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, clock: Clock
) -> None:
    old = issuer.access_token(key, AUDIENCE)
    assert call(verifier, key, old)
    issuer.private = ec.generate_private_key(ec.SECP256R1())
    issuer.published_keys = [issuer.private]
    assert call(verifier, key, issuer.access_token(key, AUDIENCE))
    assert challenge(call(verifier, key, old)) == INVALID_TOKEN
    assert thumbprint_of(issuer.private.public_key()) != issuer.kid


@pytest.mark.refusal("DPOP-15")
def test_a_bound_token_without_its_proof_is_refused(
    verifier: Verifier, any_key: AgentKey, token: str
) -> None:
    proof = make_proof(any_key, token)
    assert challenge(verifier.check("GET", "/echo", headers_of(token, proof, "Bearer"))) == INVALID_TOKEN
    assert challenge(verifier.check("GET", "/echo", headers_of(token))) == INVALID_TOKEN


@pytest.mark.refusal("DPOP-16")
@pytest.mark.parametrize("ath", [None, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", 5, ""])
def test_a_proof_for_no_or_another_token_is_refused(
    verifier: Verifier, any_key: AgentKey, token: str, ath: object
) -> None:
    proof = make_proof(any_key, token, ath=ath)
    assert challenge(verifier.check("GET", "/echo", headers_of(token, proof))) == INVALID_PROOF


@pytest.mark.refusal("DPOP-17")
def test_a_proof_by_another_key_or_for_an_unbound_token_is_refused(
    verifier: Verifier, issuer: FakeIssuer, any_key: AgentKey, token: str
) -> None:
    assert challenge(call(verifier, AgentKey.generate(), token)) == INVALID_TOKEN
    unbound = issuer.access_token(any_key, AUDIENCE, cnf=None)
    assert challenge(call(verifier, any_key, unbound)) == INVALID_TOKEN


@pytest.mark.refusal("DPOP-18")
@pytest.mark.parametrize("where", ["two headers", "query", "escaped query", "body"])
def test_a_token_in_two_places_or_the_wrong_one_is_refused(
    verifier: Verifier, key: AgentKey, issuer: FakeIssuer, where: str
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    headers = headers_of(token, make_proof(key, token))
    target = {"query": f"/echo?access_token={token}", "escaped query": f"/echo?%61ccess_token={token}"}
    form = f"x=1&access_token={token}".encode() if where == "body" else b""
    extra = headers[:1] if where == "two headers" else []
    refusal = verifier.check("GET", target.get(where, "/echo"), headers + extra, form=form)
    assert challenge(refusal) == INVALID_REQUEST


@pytest.mark.refusal("DPOP-19")
def test_a_service_that_wants_a_nonce_gives_it_and_takes_it(
    make_verifier: Callable[..., Verifier], any_key: AgentKey, token: str
) -> None:
    verifier = make_verifier(limits=False, require_nonce=True)
    refusal = call(verifier, any_key, token)
    assert challenge(refusal) == (401, [f'DPoP error="use_dpop_nonce", {ALGS}'])
    assert isinstance(refusal, Refusal)
    nonce = dict(refusal.headers)["DPoP-Nonce"]
    assert verifier.check("GET", "/echo", headers_of(token, make_proof(any_key, token, nonce=nonce)))
    forged = make_proof(any_key, token, nonce="forged")
    assert challenge(verifier.check("GET", "/echo", headers_of(token, forged)))[1] == challenge(refusal)[1]


def test_a_nonce_mends_a_clock_that_is_off(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    late = make_proof(any_key, token, iat=int(time.time()) - 600)
    refusal = verifier.check("GET", "/echo", headers_of(token, late))
    assert challenge(refusal) == (401, [f'DPoP error="use_dpop_nonce", {ALGS}'])
    assert isinstance(refusal, Refusal)
    nonce = dict(refusal.headers)["DPoP-Nonce"]
    mended = make_proof(any_key, token, iat=int(time.time()) - 600, nonce=nonce)
    assert verifier.check("GET", "/echo", headers_of(token, mended))


BROKEN_PROOFS = {
    "another method": {"htm": "POST"},
    "the method in small letters": {"htm": "get"},
    "another path": {"htu": "https://infer.example/infer"},
    "another host": {"htu": "https://evil.example/echo"},
    "another port": {"htu": "https://infer.example:8443/echo"},
    "another scheme": {"htu": "http://infer.example/echo"},
    "a relative target": {"htu": "/echo"},
    "a target with a user": {"htu": "https://a@infer.example/echo"},
    "no jti": {"jti": None},
    "a long jti": {"jti": "x" * 257},
    "no time": {"iat": None},
    "a fraction of a second": {"iat": time.time()},
    "another typ": {"header": {"typ": "JWT"}},
    "no key": {"header": {"jwk": None}},
    "a symmetric key": {"header": {"jwk": {"kty": "oct", "k": "AAAA"}}},
    "a private key": {"header": {"jwk": AgentKey.generate().private_jwk()}},
    "another key in the header": {"header": {"jwk": AgentKey.generate().public_jwk}},
    "a point off the curve": {"header": {"jwk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}},
}


@pytest.mark.parametrize("name", BROKEN_PROOFS)
def test_a_proof_of_something_else_is_refused(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, name: str
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    proof = make_proof(key, token, **BROKEN_PROOFS[name])
    assert challenge(verifier.check("GET", "/echo", headers_of(token, proof))) == INVALID_PROOF


def test_two_proofs_are_refused(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    headers = headers_of(token, make_proof(any_key, token))
    assert challenge(verifier.check("GET", "/echo", [*headers, headers[1]])) == INVALID_PROOF
    joined = ("DPoP", f"{headers[1][1]}, {headers[1][1]}")
    assert challenge(verifier.check("GET", "/echo", [headers[0], joined])) == INVALID_PROOF


@pytest.mark.parametrize(
    "htu",
    [
        "https://infer.example:443/echo",
        "HTTPS://INFER.example/echo",
        "https://infer.example/%65cho",
        "https://infer.example/x/../echo",
        "https://infer.example/echo?q=1#f",
    ],
)
def test_another_spelling_of_the_same_target_is_taken(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, htu: str
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    assert verifier.check("GET", "/echo?page=2", headers_of(token, make_proof(key, token, htu=htu)))


def test_the_host_header_does_not_say_where_the_service_is(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    proof = make_proof(key, token, htu="https://evil.example/echo")
    headers = [*headers_of(token, proof), ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")]
    assert challenge(verifier.check("GET", "/echo", headers)) == INVALID_PROOF


def test_a_proof_seen_before_is_refused(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    headers = headers_of(token, make_proof(any_key, token))
    assert verifier.check("GET", "/echo", headers)
    assert challenge(verifier.check("GET", "/echo", headers)) == INVALID_PROOF


def test_a_refused_call_burns_no_proof(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    headers = headers_of(token, make_proof(any_key, token))
    assert not verifier.check("GET", "/echo", headers, scope="admin:all")
    assert verifier.check("GET", "/echo", headers)


def test_after_a_start_older_proofs_need_a_nonce(
    make_verifier: Callable[..., Verifier], any_key: AgentKey, token: str
) -> None:
    verifier = make_verifier(limits=False, replay=MemoryReplay())
    spent_before_the_restart = make_proof(any_key, token, iat=int(time.time()) - 5)
    refusal = verifier.check("GET", "/echo", headers_of(token, spent_before_the_restart))
    assert challenge(refusal) == (401, [f'DPoP error="use_dpop_nonce", {ALGS}'])


def test_when_the_replay_store_is_gone_nobody_is_let_in(
    make_verifier: Callable[..., Verifier], any_key: AgentKey, token: str
) -> None:
    class Gone(MemoryReplay):
        blocking = True

        def spend(self, key: bytes, seconds: int) -> bool:
            raise ReplayUnavailable("gone")

    store = Gone()
    store.complete_since = None
    refusal = call(make_verifier(limits=False, replay=store), any_key, token)
    assert (challenge(refusal), refusal.code) == ((503, []), "status_unavailable")


def test_a_missing_scope_is_named(verifier: Verifier, any_key: AgentKey, token: str) -> None:
    refusal = call(verifier, any_key, token, scope="admin:all")
    assert challenge(refusal) == (403, [f'DPoP error="insufficient_scope", scope="admin:all", {ALGS}'])


def test_a_service_that_takes_bearer_tokens_still_wants_proofs_for_bound_ones(
    make_verifier: Callable[..., Verifier], issuer: FakeIssuer, key: AgentKey
) -> None:
    verifier = make_verifier(limits=False, require_proof=False)
    unbound = issuer.access_token(key, AUDIENCE, cnf=None)
    assert verifier.check("GET", "/echo", headers_of(unbound, scheme="Bearer"))
    bound = issuer.access_token(key, AUDIENCE)
    refusal = verifier.check("GET", "/echo", headers_of(bound, scheme="Bearer"))
    assert challenge(refusal) == (
        401,
        [f'DPoP error="invalid_token", {ALGS}', 'Bearer error="invalid_token"'],
    )


@pytest.mark.refusal("SL-08")
def test_an_expired_token_is_refused_though_its_status_is_good(
    verifier: Verifier, any_key: AgentKey, token: str, clock: Clock
) -> None:
    assert call(verifier, any_key, token)
    clock.ahead = 331
    proof = make_proof(any_key, token, iat=int(clock.time()))
    assert challenge(verifier.check("GET", "/echo", headers_of(token, proof))) == INVALID_TOKEN


@pytest.mark.parametrize(
    ("value", "reason"), [(1, "passport_revoked"), (2, "passport_suspended"), (3, "passport_revoked")]
)
def test_a_recalled_passport_refuses_its_tokens(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey, value: int, reason: str
) -> None:
    issuer.mark(7, value)
    refusal = call(verifier, key, issuer.access_token(key, AUDIENCE))
    assert challenge(refusal) == INVALID_TOKEN
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, json.loads(refusal.body)["type"]) == (
        reason,
        f"{issuer.url}/docs/errors#{reason}",
    )


def test_the_neighbours_in_the_list_go_on_working(
    verifier: Verifier, issuer: FakeIssuer, key: AgentKey
) -> None:
    issuer.mark(6, 1)
    issuer.mark(8, 2)
    assert call(verifier, key, issuer.access_token(key, AUDIENCE))


def test_no_token_is_in_a_refusal(verifier: Verifier, issuer: FakeIssuer, key: AgentKey) -> None:
    token = issuer.access_token(key, AUDIENCE, aud="https://other.example")
    refusal = call(verifier, key, token)
    assert token not in repr(refusal)
