"""The vectors that the server reads too: both must come to the same verdict."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from agent_passport import _jws
from agent_passport._jwk import BadKey, BadSignature, parse_public
from agent_passport._nonces import Nonces
from agent_passport._proofs import read_proof
from agent_passport._refusals import Refused

FOLDER = Path(__file__).parents[1] / "vectors"
JWTS = json.loads((FOLDER / "jwt.json").read_text(encoding="utf-8"))
PROOFS = json.loads((FOLDER / "proofs.json").read_text(encoding="utf-8"))
KEYS = {name: jwk for name, jwk in JWTS["keys"].items() if name not in ("p384", "rsa")}
"""What an issuer signs access tokens and lists with; the others are for assertions."""


@pytest.mark.parametrize("case", JWTS["cases"], ids=lambda case: case["name"])
def test_a_token_is_read_as_the_vectors_say(case: dict[str, Any]) -> None:
    assert verdict_on(case) == (case["verdict"] if case["key"] in KEYS else unsupported(case))


def unsupported(case: dict[str, Any]) -> str:
    return "malformed" if case["verdict"] == "malformed" else "no such key here"


def verdict_on(case: dict[str, Any]) -> str:
    try:
        jws = _jws.parse(case["token"], max_bytes=case["max_bytes"], allow_jwk=case["allow_jwk"])
        parse_public(JWTS["keys"][case["key"]]).verify(jws.alg, jws.signed, jws.signature)
    except _jws.Malformed:
        return "malformed"
    except BadSignature:
        return "bad_signature"
    except BadKey:
        return "no such key here"
    return "good"


@pytest.mark.parametrize("case", JWTS["cases"], ids=lambda case: case["name"])
def test_a_common_library_agrees_on_each_signature(case: dict[str, Any]) -> None:
    algorithms = ["ES256", "ES384", "EdDSA", "RS256"]
    # RFC 9864 is newer than the library.
    if case["name"].startswith("Ed25519"):
        return
    try:
        key = jwt.PyJWK(JWTS["keys"][case["key"]])
        jwt.PyJWS().decode(case["token"], key.key, algorithms=algorithms)
    except (jwt.PyJWTError, ValueError, TypeError):
        assert case["verdict"] != "good"
    else:
        assert case["verdict"] != "bad_signature"


@pytest.mark.parametrize("case", PROOFS["cases"], ids=lambda case: case["name"])
def test_a_proof_is_read_as_the_vectors_say(case: dict[str, Any]) -> None:
    assert judged(case) == (case["verdict"], case.get("thumbprint"))


def judged(case: dict[str, Any]) -> tuple[str, str | None]:
    target = {name: PROOFS[name] for name in ("method", "url", "now")}
    try:
        return "good", read_proof(case["values"], **target, nonces=Nonces(b"secret")).thumbprint
    except Refused as refused:
        return refused.code, None
