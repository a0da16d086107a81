import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passport.errors import OAuthError
from passport.jose.keys import thumbprint
from passport.proofs import nonces
from passport.proofs.dpop import Proof, check_proof
from passport.proofs.jwt import BadSignature, Malformed, parse, verify
from tests.vectors import make

FOLDER = Path(make.__file__).parent
JWTS = json.loads((FOLDER / "jwt.json").read_text())
PROOFS = json.loads((FOLDER / "proofs.json").read_text())
SPECIFICATIONS = json.loads((FOLDER / "specifications.json").read_text())


def verdict_on(case: dict[str, object]) -> str:
    try:
        jws = parse(case["token"], max_bytes=case["max_bytes"], allow_jwk=case["allow_jwk"])
        verify(jws, JWTS["keys"][case["key"]], case["alg"])
    except Malformed:
        return "malformed"
    except BadSignature:
        return "bad_signature"
    return "good"


@pytest.mark.parametrize("case", JWTS["cases"], ids=lambda case: case["name"])
def test_a_token_gets_its_verdict(case: dict[str, object]) -> None:
    assert verdict_on(case) == case["verdict"]


@pytest.mark.parametrize("case", PROOFS["cases"], ids=lambda case: case["name"])
def test_a_proof_gets_its_verdict(case: dict[str, object]) -> None:
    verdict, proof = verdict_on_proof(case["values"])
    assert verdict == case["verdict"]
    if proof is not None:
        assert proof.thumbprint == thumbprint(proof.jwk) == case["thumbprint"]


def verdict_on_proof(values: list[str]) -> tuple[str, Proof | None]:
    try:
        return "good", check_proof(
            values, method=PROOFS["method"], url=PROOFS["url"], now=make.noon(), nonces=nonces
        )
    except OAuthError as refusal:
        return refusal.code, None


@pytest.mark.parametrize("case", SPECIFICATIONS["proofs"], ids=lambda case: case["source"])
def test_the_proof_of_a_specification_is_good(case: dict[str, str]) -> None:
    now = datetime.fromtimestamp(int(case["now"]), UTC)
    proof = check_proof([case["proof"]], method=case["method"], url=case["url"], now=now, nonces=nonces)
    assert proof.thumbprint == case["thumbprint"]


@pytest.mark.parametrize("case", SPECIFICATIONS["signatures"], ids=lambda case: case["source"])
def test_the_signature_of_a_specification_is_good(case: dict[str, Any]) -> None:
    jws = parse(case["token"], max_bytes=make.MAX_TOKEN)
    verify(jws, case["key"], "ES256")
    assert jws.claims == case["claims"]


@pytest.mark.parametrize("name", make.documents())
def test_the_vectors_are_what_their_script_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == make.written(make.documents()[name])
