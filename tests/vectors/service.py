"""Access tokens, and whole requests with their proofs, as a service must judge them."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from tests.passport.crafting import ALICE, ED, MALLORY, P384, RSA, TestKey, b64, jws
from tests.vectors.lists import GOOD, ISSUER, LIST, NOW, list_claims, signed_list

AUDIENCE = "https://infer.test"
HOLDER = ED
INVALID_TOKEN, INVALID_PROOF, INVALID_REQUEST = "invalid_token", "invalid_dpop_proof", "invalid_request"
NONCE, SCOPE, MISSING, UNAVAILABLE = "use_dpop_nonce", "insufficient_scope", "missing", "status_unavailable"
REVOKED, SUSPENDED, RESERVED, GONE = 1, 2, 3, 64
"""Indexes into the list that goes with the requests."""
ALGS = 'algs="ES256 EdDSA Ed25519"'


def token_claims(**changes: Any) -> dict[str, Any]:
    """A claim that is None is left out."""
    claims = {
        "iss": ISSUER,
        "sub": "agent_alice1",
        "client_id": "agent_alice1",
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "token-1",
        "scope": "echo:read model:infer",
        "cnf": {"jkt": HOLDER.thumbprint},
        "account": "pair_alice",
        "status": status_at(7),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def status_at(index: Any, uri: Any = LIST) -> dict[str, Any]:
    return {"status_list": {"idx": index, "uri": uri}}


def access_token(claims: Mapping[str, Any] | None = None, *, key: TestKey = ALICE, **header: Any) -> str:
    said = token_claims() if claims is None else claims
    return jws(key, said, header={"typ": "at+jwt", "kid": ALICE.thumbprint, **header})


def token_case(
    name: str, token: str, verdict: str, *, plain: bool | None = None, **read: Any
) -> dict[str, Any]:
    """``plain``: what a library says that checks signature, algorithm, issuer, audience and times."""
    accepted = verdict == GOOD if plain is None else plain
    return {
        "name": name,
        "token": token,
        "verdict": verdict,
        "plain": accepted,
        **({"read": read} if read else {}),
    }


def good_tokens() -> Iterator[dict[str, Any]]:
    alice = {"agent": "agent_alice1", "subject": "agent_alice1", "account": "pair_alice"}
    scopes = ["echo:read", "model:infer"]
    yield token_case("good", access_token(), GOOD, **alice, scopes=scopes, parties=["agent_alice1"])
    yield token_case("typ with application/", access_token(typ="application/AT+JWT"), GOOD)
    yield token_case("audience in an array of one", access_token(token_claims(aud=[AUDIENCE])), GOOD)
    yield token_case("no account", access_token(token_claims(account=None)), GOOD, account=None)
    yield token_case("no scope", access_token(token_claims(scope=None)), GOOD, scopes=[])
    yield token_case("29 s past its end", access_token(token_claims(iat=NOW - 300, exp=NOW - 29)), GOOD)
    yield token_case("iat 30 s ahead", access_token(token_claims(iat=NOW + 30)), GOOD)
    yield token_case("nbf 30 s ahead", access_token(token_claims(nbf=NOW + 30)), GOOD)
    act = {"sub": "agent_bob1", "act": {"sub": "agent_alice1"}}
    yield token_case(
        "an agent that acts for a user through another",
        access_token(token_claims(sub="user_1", act=act, client_id="agent_bob1")),
        GOOD,
        agent="agent_bob1", subject="user_1", parties=["agent_alice1", "agent_bob1", "user_1"],
    )  # fmt: skip


def bad_tokens() -> Iterator[dict[str, Any]]:
    whole = access_token()
    header, _, signature = whole.split(".")
    other_claims = access_token(token_claims(scope="root")).split(".")[1]
    forged = {
        "signed by another key": access_token(key=MALLORY),
        "signed by an unknown key": access_token(key=MALLORY, kid=MALLORY.thumbprint),
        "no kid": access_token(kid=None),
        "claims exchanged": f"{header}.{other_claims}.{signature}",
        "signature empty": f"{header}.{other_claims}.",
        "alg none": access_token(alg="none"),
        "alg EdDSA with a key of P-256": access_token(alg="EdDSA"),
        "brings its own key": access_token(key=MALLORY, jwk=MALLORY.jwk),
        "P-384": access_token(key=P384),
        "RSA": access_token(key=RSA),
    }
    for name, token in forged.items():
        # A library that is handed the one key of the issuer does not miss the kid.
        yield token_case(name, token, INVALID_TOKEN, plain=name == "no kid")
    for typ in (None, "JWT", "agent-passport+jwt", "dpop+jwt", "client-authentication+jwt"):
        yield token_case(f"typ {typ}", access_token(typ=typ), INVALID_TOKEN, plain=True)
    refused_by_all = {
        "expired": {"iat": NOW - 330, "exp": NOW - 30},
        "nbf too far ahead": {"nbf": NOW + 31},
        "of another issuer": {"iss": "https://mallory.test"},
        "for another audience": {"aud": "https://other.test"},
        "no issuer": {"iss": None},
        "no audience": {"aud": None},
        "no end": {"exp": None},
    }
    for name, changes in refused_by_all.items():
        yield token_case(name, access_token(token_claims(**changes)), INVALID_TOKEN)
    refused_by_us = {
        "iat 31 s ahead": {"iat": NOW + 31},
        "issuer with a slash more": {"iss": f"{ISSUER}/"},
        "for two audiences": {"aud": [AUDIENCE, "https://other.test"]},
        "no subject": {"sub": None},
        "no client": {"client_id": None},
        "no jti": {"jti": None},
        "no iat": {"iat": None},
        "jti too long": {"jti": "j" * 257},
        "exp a fraction": {"exp": NOW + 300.5},
        "exp a whole number written as a fraction": {"exp": float(NOW + 300)},
        "exp beyond 2^53": {"exp": 2**53},
        "scope an array": {"scope": ["echo:read"]},
        "account empty": {"account": ""},
        "cnf with a second member": {"cnf": {"jkt": HOLDER.thumbprint, "kid": "1"}},
        "cnf of another kind": {"cnf": {"x5t#S256": HOLDER.thumbprint}},
        "cnf a text": {"cnf": HOLDER.thumbprint},
        "act a text": {"act": "agent_bob1"},
        "act without sub": {"act": {"act": {"sub": "agent_bob1"}}},
        "no status": {"status": None},
        "status without an index": {"status": {"status_list": {"uri": LIST}}},
        "index negative": {"status": status_at(-1)},
        "index a text": {"status": status_at("7")},
        "index a fraction": {"status": status_at(7.0)},
        "uri missing": {"status": status_at(7, None)},
    }
    for name, changes in refused_by_us.items():
        yield token_case(name, access_token(token_claims(**changes)), INVALID_TOKEN, plain=None)


def ath(token: str) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


def a_proof(token: str, key: TestKey = HOLDER, **changes: Any) -> str:
    claims = {
        "jti": "proof-1",
        "htm": "GET",
        "htu": f"{AUDIENCE}/echo",
        "iat": NOW,
        "ath": ath(token),
        **changes,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    return jws(key, said, header={"typ": "dpop+jwt", "jwk": key.jwk})


def call_case(
    name: str,
    headers: list[tuple[str, str]],
    code: str,
    *,
    status: int = 401,
    reason: str = "",
    scope: str | None = "echo:read",
    **request: Any,
) -> dict[str, Any]:
    """``challenge`` is the whole ``WWW-Authenticate``; the nonce of ``use_dpop_nonce`` is any."""
    asked = {"method": "GET", "target": "/echo", "form": "", "options": {}, **request}
    answered = {"status": 200 if code == GOOD else status, "code": code, "reason": reason or code}
    return {
        "name": name,
        **asked,
        "headers": headers,
        "scope": scope,
        **answered,
        "challenge": challenge(code, scope),
    }


def challenge(code: str, scope: str | None) -> str | None:
    if code in (GOOD, UNAVAILABLE):
        return None
    error = [] if code == MISSING else [f'error="{code}"']
    needed = [f'scope="{scope}"'] if code == SCOPE else []
    return "DPoP " + ", ".join([*error, *needed, ALGS])


def bound(token: str, proof: str | None, scheme: str = "DPoP") -> list[tuple[str, str]]:
    sent = [("Authorization", f"{scheme} {token}")]
    return [*sent, ("DPoP", proof)] if proof is not None else sent


def with_status(index: int, uri: str = LIST) -> list[tuple[str, str]]:
    token = access_token(token_claims(status=status_at(index, uri)))
    return bound(token, a_proof(token))


def served() -> Iterator[dict[str, Any]]:
    token = access_token()
    yield call_case("good", bound(token, a_proof(token)), GOOD)
    yield call_case("scheme in capitals", bound(token, a_proof(token), "DPOP"), GOOD)
    yield call_case("any good token", bound(token, a_proof(token)), GOOD, scope=None)
    yield call_case("with a query", bound(token, a_proof(token)), GOOD, target="/echo?say=hello%20you")
    yield call_case("percent-encoding", bound(token, a_proof(token, htu=f"{AUDIENCE}/%65cho")), GOOD)
    yield call_case("default port", bound(token, a_proof(token, htu="HTTPS://INFER.test:443/echo")), GOOD)
    unbound = access_token(token_claims(cnf=None))
    open_to_all = {"require_proof": False}
    yield call_case("unbound, where that will do", bound(unbound, None, "Bearer"), GOOD, options=open_to_all)


def refused() -> Iterator[dict[str, Any]]:
    token = access_token()
    proof = a_proof(token)
    yield call_case("no token", [], MISSING)
    yield call_case("another scheme", [("Authorization", "Basic YTpi")], MISSING)
    yield call_case("scheme without a token", [("Authorization", "DPoP ")], INVALID_TOKEN)
    yield call_case("bound token as Bearer", bound(token, proof, "Bearer"), INVALID_TOKEN)
    yield call_case("no proof", bound(token, None), INVALID_TOKEN)
    yield call_case("two proofs", [*bound(token, proof), ("DPoP", a_proof(token, jti="2"))], INVALID_PROOF)
    yield call_case("no ath", bound(token, a_proof(token, ath=None)), INVALID_PROOF)
    yield call_case("ath of another token", bound(token, a_proof(token, ath=ath("x"))), INVALID_PROOF)
    yield call_case("proof by another key", bound(token, a_proof(token, ALICE)), INVALID_TOKEN)
    yield call_case("another method", bound(token, proof), INVALID_PROOF, method="POST")
    yield call_case("another path", bound(token, proof), INVALID_PROOF, target="/echo/")
    yield call_case(
        "proof for another host", bound(token, a_proof(token, htu="https://other.test/echo")), INVALID_PROOF
    )
    yield call_case("proof too old", bound(token, a_proof(token, iat=NOW - 61)), NONCE)
    yield call_case("proof too early", bound(token, a_proof(token, iat=NOW + 31)), NONCE)
    yield call_case("nonce forged", bound(token, a_proof(token, nonce="AAAAAAAAAAAAAAAAAAAAAAAA")), NONCE)
    yield call_case(
        "no nonce where one is asked", bound(token, proof), NONCE, options={"require_nonce": True}
    )
    unbound = access_token(token_claims(cnf=None))
    yield call_case("unbound token as DPoP", bound(unbound, a_proof(unbound)), INVALID_TOKEN)
    yield call_case("unbound token as Bearer", bound(unbound, None, "Bearer"), INVALID_TOKEN)
    two = [*bound(token, proof), ("authorization", f"DPoP {token}")]
    yield call_case("two Authorization headers", two, INVALID_REQUEST, status=400)
    for name, request in {
        "in the query": {"target": "/echo?access_token=x"},
        "in the query, encoded": {"target": "/echo?%61ccess_token=x"},
        "in the form": {"form": "a=b&access_token=x"},
    }.items():
        yield call_case(f"token {name}", bound(token, proof), INVALID_REQUEST, status=400, **request)
    yield call_case("scope that it lacks", bound(token, proof), SCOPE, status=403, scope="model:embed")
    yield call_case("revoked", with_status(REVOKED), INVALID_TOKEN, reason="passport_revoked")
    yield call_case("suspended", with_status(SUSPENDED), INVALID_TOKEN, reason="passport_suspended")
    yield call_case(
        "value of the application", with_status(RESERVED), INVALID_TOKEN, reason="passport_revoked"
    )
    yield call_case("outside its list", with_status(GONE), INVALID_TOKEN, reason="status_invalid")
    elsewhere = with_status(7, "https://mallory.test/status/1")
    yield call_case("list of another origin", elsewhere, INVALID_TOKEN, reason="status_invalid")
    yield call_case("list that cannot be had", with_status(7, f"{ISSUER}/status/9"), UNAVAILABLE, status=503)


def documents() -> dict[str, dict[str, Any]]:
    keys = [ALICE.jwk | {"kid": ALICE.thumbprint, "use": "sig", "alg": "ES256"}]
    known = {"now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "jwks": {"keys": keys}}
    values = {REVOKED: 1, SUSPENDED: 2, RESERVED: 3}
    lists = {LIST: signed_list(list_claims(values))}
    return {
        "tokens.json": {**known, "cases": [*good_tokens(), *bad_tokens()]},
        "calls.json": {**known, "lists": lists, "cases": [*served(), *refused()]},
    }
