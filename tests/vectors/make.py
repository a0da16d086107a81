"""Writes the vectors: tokens, proofs, lists, deltas, requests, errors, with the verdict of every reader.

The server's tests and those of the SDKs read the same files. The keys are fixed and the
signatures deterministic, so writing them again changes nothing: `python -m tests.vectors.make`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.passport.crafting import ALICE, ED, KEYS, MALLORY, P384, RSA, TestKey, b64, jws, raw_jws, segment
from tests.vectors import errors, lists, service, specifications

FOLDER = Path(__file__).parent
NOW = 1_795_521_600
METHOD, URL = "POST", "https://passport.test/oauth/token"
CLAIMS = {"iss": "https://passport.test", "sub": "agent_1", "exp": NOW + 300}
GOOD, MALFORMED, BAD = "good", "malformed", "bad_signature"
INVALID, NONCE = "invalid_dpop_proof", "use_dpop_nonce"
MAX_TOKEN, MAX_PROOF = 16 * 1024, 4 * 1024


def jwt_case(
    name: str, token: str, verdict: str, key: TestKey = ALICE, *, allow_jwk: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "token": token,
        "key": key.name,
        "alg": key.alg,
        "max_bytes": MAX_TOKEN,
        "allow_jwk": allow_jwk,
        "verdict": verdict,
    }


def with_header(**header: Any) -> str:
    return jws(ALICE, CLAIMS, header=header)


def raw(header: str, claims: str) -> str:
    return raw_jws(
        ALICE, b64(header.encode("utf-8", "surrogatepass")), b64(claims.encode("utf-8", "surrogatepass"))
    )


def noon() -> datetime:
    """The moment at which the proofs are judged."""
    return datetime.fromtimestamp(NOW, UTC)


def jwt_cases() -> Iterator[dict[str, Any]]:
    plain = jws(ALICE, CLAIMS)
    header, claims, signature = plain.split(".")
    for key in (ALICE, P384, ED, RSA):
        yield jwt_case(f"signed with {key.alg}", jws(key, CLAIMS), GOOD, key)
    yield jwt_case("Ed25519 by its new name", jws(ED, CLAIMS, header={"alg": "Ed25519"}), GOOD, ED)
    yield jwt_case("typ with application/", with_header(typ="application/at+jwt"), GOOD)
    yield jwt_case("kid of every allowed character", with_header(kid="Az09._~-"), GOOD)
    yield jwt_case("jwk where it is allowed", with_header(jwk=ALICE.jwk), GOOD, allow_jwk=True)
    yield jwt_case("depth 16", jws(ALICE, nested(15)), GOOD)
    yield jwt_case("a name beyond ASCII", jws(ALICE, {"name": "Zoë 智"}), GOOD)

    yield jwt_case("signed by another key", jws(MALLORY, CLAIMS), BAD)
    yield jwt_case("claims exchanged", f"{header}.{segment({**CLAIMS, 'sub': 'agent_2'})}.{signature}", BAD)
    yield jwt_case("signature of DER form", jws(ALICE, CLAIMS, signature=der(plain)), BAD)
    yield jwt_case("signature one byte short", f"{header}.{claims}.{b64(b'x' * 63)}", BAD)
    yield jwt_case("r is zero", f"{header}.{claims}.{b64(bytes(32) + b'x' * 32)}", BAD)
    yield jwt_case("s is zero", f"{header}.{claims}.{b64(b'x' * 32 + bytes(32))}", BAD)
    yield jwt_case("r and s are zero", f"{header}.{claims}.{b64(bytes(64))}", BAD)
    yield jwt_case("r is the order of the curve", f"{header}.{claims}.{b64(order() + b'x' * 32)}", BAD)
    yield jwt_case("s is the order of the curve", f"{header}.{claims}.{b64(b'x' * 32 + order())}", BAD)
    for alg in ("none", "nOnE", "HS256", "RS256", "ES384", "es256", ""):
        yield jwt_case(f"alg is {alg or 'empty'}", with_header(alg=alg), BAD)
    yield jwt_case("an RSA signature taken for PS256", jws(RSA, CLAIMS, header={"alg": "PS256"}), BAD, RSA)

    yield jwt_case("alg is missing", with_header(alg=None), MALFORMED)
    yield jwt_case("alg is not a string", with_header(alg=["ES256"]), MALFORMED)
    for name, value in {
        "crit": ["exp"], "b64": False, "zip": "DEF", "jku": "https://mallory.test/jwks",
        "x5u": "https://mallory.test/x5u", "x5c": ["MIIB"],
    }.items():  # fmt: skip
        yield jwt_case(f"header carries {name}", with_header(**{name: value}), MALFORMED)
    yield jwt_case("jwk where it is not allowed", with_header(jwk=MALLORY.jwk), MALFORMED)
    for name, kid in {
        "quote": "a'b",
        "slash": "../a",
        "space": "a b",
        "long": "k" * 129,
        "empty": "",
    }.items():
        yield jwt_case(f"kid with {name}", with_header(kid=kid), MALFORMED)
    yield jwt_case("kid is a number", with_header(kid=7), MALFORMED)
    yield jwt_case("typ is a number", with_header(typ=7), MALFORMED)
    yield jwt_case("header over 2 KiB", with_header(x="y" * 2048), MALFORMED)
    yield jwt_case("token over its size", jws(ALICE, {"x": "y" * MAX_TOKEN}), MALFORMED)
    yield jwt_case("depth 17", jws(ALICE, nested(16)), MALFORMED)
    yield jwt_case("depth 4000", raw('{"alg":"ES256"}', "[" * 4000 + "]" * 4000), MALFORMED)
    yield jwt_case("member repeated", raw('{"alg":"ES256"}', '{"sub":"a","sub":"b"}'), MALFORMED)
    yield jwt_case("member repeated further down", raw('{"alg":"ES256"}', '{"a":[{"b":1,"b":1}]}'), MALFORMED)
    yield jwt_case(
        "member repeated by an escape", raw('{"alg":"ES256"}', '{"sub":"a","\\u0073ub":"b"}'), MALFORMED
    )
    yield jwt_case("alg repeated", raw('{"alg":"none","alg":"ES256"}', "{}"), MALFORMED)
    for name, value in {
        "NaN": "NaN",
        "Infinity": "Infinity",
        "1e999": "1e999",
        "9" * 5000: "9" * 5000,
    }.items():
        yield jwt_case(f"number {name[:9]}", raw('{"alg":"ES256"}', f'{{"exp":{value}}}'), MALFORMED)
    yield jwt_case("half a surrogate pair", raw('{"alg":"ES256"}', '{"sub":"\\ud800"}'), MALFORMED)
    yield jwt_case("NUL in a string", raw('{"alg":"ES256"}', '{"sub":"a\\u0000"}'), MALFORMED)
    yield jwt_case("claims not UTF-8", raw_jws(ALICE, header, b64(b'{"a":"\xff"}')), MALFORMED)
    yield jwt_case("claims with a byte order mark", raw_jws(ALICE, header, b64(b"\xef\xbb\xbf{}")), MALFORMED)
    for name, claims_text in {
        "an array": "[]",
        "a string": '"a"',
        "null": "null",
        "nothing": " ",
        "two": "{}{}",
    }.items():
        yield jwt_case(f"claims are {name}", raw('{"alg":"ES256"}', claims_text), MALFORMED)
    yield jwt_case("empty", "", MALFORMED)
    yield jwt_case("two parts", f"{header}.{claims}", MALFORMED)
    yield jwt_case("four parts", f"{plain}.x", MALFORMED)
    yield jwt_case("five parts, as of JWE", f"{plain}.x.y", MALFORMED)
    yield jwt_case("signature empty", f"{header}.{claims}.", MALFORMED)
    yield jwt_case("claims empty", f"{header}..{signature}", MALFORMED)
    yield jwt_case("padded", f"{header}=.{claims}.{signature}", MALFORMED)
    yield jwt_case("stray bits in the signature", f"{plain[:-1]}{chr(ord(plain[-1]) + 1)}", MALFORMED)
    yield jwt_case("plus and slash", f"{header}.{claims}.+/{signature[2:]}", MALFORMED)
    yield jwt_case("space inside", f"{header}. {claims}.{signature}", MALFORMED)
    yield jwt_case("line break at the end", f"{plain}\n", MALFORMED)
    yield jwt_case("a letter beyond ASCII", f"{header}.é{claims}.{signature}", MALFORMED)
    yield jwt_case(
        "JSON serialisation",
        json.dumps({"protected": header, "payload": claims, "signature": signature}),
        MALFORMED,
    )


def nested(levels: int) -> dict[str, Any]:
    """An object of ``levels + 1`` levels."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def order() -> bytes:
    return bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")


def der(token: str) -> bytes:
    return ALICE.der_signature(token.rpartition(".")[0].encode())


def proof(key: TestKey = ALICE, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A good proof, with members laid over; None leaves one out."""
    said = {"jti": "proof-1", "htm": METHOD, "htu": URL, "iat": NOW, **claims}
    laid = {"typ": "dpop+jwt", "jwk": key.jwk, **(header or {})}
    return jws(key, {name: value for name, value in said.items() if value is not None}, header=laid)


def proof_case(name: str, values: str | list[str], verdict: str, key: TestKey = ALICE) -> dict[str, Any]:
    return {
        "name": name,
        "values": [values] if isinstance(values, str) else values,
        "thumbprint": key.thumbprint if verdict == GOOD else None,
        "verdict": verdict,
    }


def proof_cases() -> Iterator[dict[str, Any]]:
    yield proof_case("good", proof(), GOOD)
    yield proof_case("good, Ed25519", proof(ED), GOOD, ED)
    yield proof_case("good, Ed25519 by its new name", proof(ED, header={"alg": "Ed25519"}), GOOD, ED)
    yield proof_case(
        "other public members in the jwk",
        proof(header={"jwk": {**ALICE.jwk, "kid": "1", "use": "sig"}}),
        GOOD,
    )
    for name, htu in {
        "default port": "https://passport.test:443/oauth/token",
        "host in capitals": "https://PASSPORT.test/oauth/token",
        "scheme in capitals": "HTTPS://passport.test/oauth/token",
        "needless percent-encoding": "https://passport.test/%6fauth/token",
        "dot segments": "https://passport.test/x/../oauth/./token",
        "query and fragment": f"{URL}?a=b#c",
    }.items():
        yield proof_case(f"htu with {name}", proof(htu=htu), GOOD)
    for name, iat in {"60 s ago": NOW - 60, "30 s ahead": NOW + 30}.items():
        yield proof_case(f"iat {name}", proof(iat=iat), GOOD)
    for name, iat in {"61 s ago": NOW - 61, "31 s ahead": NOW + 31, "zero": 0}.items():
        yield proof_case(f"iat {name}", proof(iat=iat), NONCE)
    for name, nonce in {"forged": "AAAAAAAAAAAAAAAAAAAAAAAA", "empty": "", "not a string": 7}.items():
        yield proof_case(f"nonce {name}", proof(nonce=nonce), NONCE)

    yield proof_case("no header", [], INVALID)
    yield proof_case("two headers", [proof(), proof(jti="proof-2")], INVALID)
    yield proof_case("a comma list", f"{proof()}, {proof(jti='proof-2')}", INVALID)
    yield proof_case("not a JWS", "hello", INVALID)
    yield proof_case("empty", "", INVALID)
    yield proof_case("over 4 KiB", proof(x="y" * MAX_PROOF), INVALID)
    for typ in (None, "jwt", "at+jwt", "client-authentication+jwt"):
        yield proof_case(f"typ {typ}", proof(header={"typ": typ}), INVALID)
    for alg in ("none", "HS256", "RS256", "ES384", "EdDSA", "Ed25519"):
        yield proof_case(f"alg {alg} with a key of P-256", proof(header={"alg": alg}), INVALID)
    yield proof_case("alg ES256 with a key of Ed25519", proof(ED, header={"alg": "ES256"}), INVALID)
    yield proof_case("RSA", proof(RSA), INVALID)
    yield proof_case("P-384", proof(P384), INVALID)
    yield proof_case("jwk missing", proof(header={"jwk": None}), INVALID)
    yield proof_case("jwk a string", proof(header={"jwk": "x"}), INVALID)
    yield proof_case("jwk symmetric", proof(header={"jwk": {"kty": "oct", "k": "AAAA"}}), INVALID)
    for member in ("d", "p", "q", "dp", "dq", "qi", "k"):
        yield proof_case(f"jwk with {member}", proof(header={"jwk": {**ALICE.jwk, member: "AAAA"}}), INVALID)
    yield proof_case(
        "point off the curve", proof(header={"jwk": {**ALICE.jwk, "y": ALICE.jwk["x"]}}), INVALID
    )
    yield proof_case(
        "point of small order", proof(ED, header={"jwk": {**ED.jwk, "x": b64(bytes(32))}}), INVALID
    )
    yield proof_case("signed by another key", proof(MALLORY, header={"jwk": ALICE.jwk}), INVALID)
    for htm in ("post", "GET", "", None, 7):
        yield proof_case(f"htm {htm!r}", proof(htm=htm), INVALID)
    for name, htu in {
        "other path": "https://passport.test/oauth/tokens",
        "trailing slash": f"{URL}/",
        "other host": "https://mallory.test/oauth/token",
        "other port": "https://passport.test:8443/oauth/token",
        "http": "http://passport.test/oauth/token",
        "relative": "/oauth/token",
        "user information": "https://a@passport.test/oauth/token",
        "an encoded slash": "https://passport.test/oauth%2Ftoken",
        "backslash": "https://passport.test\\oauth\\token",
        "broken percent-encoding": "https://passport.test/oauth/token%zz",
        "port that is no number": "https://passport.test:x/oauth/token",
        "nothing": "",
    }.items():
        yield proof_case(f"htu with {name}", proof(htu=htu), INVALID)
    yield proof_case("htu missing", proof(htu=None), INVALID)
    for iat in (None, True, str(NOW), NOW + 0.5, -1, 2**60):
        yield proof_case(f"iat {iat!r}", proof(iat=iat), INVALID)
    for name, jti in {"missing": None, "empty": "", "over 256": "j" * 257, "a number": 7}.items():
        yield proof_case(f"jti {name}", proof(jti=jti), INVALID)


def documents() -> dict[str, dict[str, Any]]:
    return {
        "jwt.json": {"keys": {key.name: key.jwk for key in KEYS}, "cases": list(jwt_cases())},
        "proofs.json": {"now": NOW, "method": METHOD, "url": URL, "cases": list(proof_cases())},
        **lists.documents(),
        **service.documents(),
        **errors.documents(),
        **specifications.documents(),
    }


def written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


if __name__ == "__main__":
    for name, document in documents().items():
        (FOLDER / name).write_text(written(document))
