import json

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key

from passport.errors import OAuthError
from passport.jose import strict_json
from passport.proofs import nonces
from passport.proofs.dpop import check_proof
from passport.proofs.jwt import BadSignature, Malformed, parse, time_claim, verify
from passport.proofs.urls import normalise
from tests.passport.crafting import ALICE, ED, KEYS, P384, RSA, b64, jws, raw_jws, segment
from tests.vectors import make

CLAIMS = {"iss": "https://passport.test", "sub": "agent_1", "name": "Zoë"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("key", [ALICE, P384, ED, RSA], ids=lambda key: key.name)
class TestOthersAndWeReadEachOther:
    def test_what_pyjwt_signs_verifies_here(self, key) -> None:
        token = pyjwt.encode(CLAIMS, key.private, algorithm=key.alg)
        found = parse(token, max_bytes=4096)
        verify(found, key.jwk, key.alg)
        assert found.claims == CLAIMS

    @pytest.mark.filterwarnings("ignore")
    def test_what_joserfc_signs_verifies_here(self, key) -> None:
        token = joserfc_jwt.encode(
            {"alg": key.alg}, CLAIMS, import_key(key.pem, key.jwk["kty"]), algorithms=[key.alg]
        )
        verify(parse(token, max_bytes=4096), key.jwk, key.alg)


@given(st.text(max_size=200))
def test_whatever_text_comes_only_the_typed_refusal_comes_back(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text, max_bytes=4096)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_whatever_parts_come_only_the_typed_refusal_comes_back(
    header: bytes, claims: bytes, signature: bytes
) -> None:
    with pytest.raises(Malformed):
        parse(f"{b64(header)}.{b64(claims)}.{b64(signature)}", max_bytes=4096)


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "jwk", "crit", "x"]), json_values), json_values)
def test_whatever_header_and_claims_come_the_answer_is_typed(header, claims) -> None:
    token = raw_jws(ALICE, segment(header), segment(claims))
    try:
        found = parse(token, max_bytes=4096, allow_jwk=True)
    except Malformed:
        return
    assert (found.alg, found.claims) == (header["alg"], claims)
    time_is_whole_or_refused(found.claims)


def time_is_whole_or_refused(claims) -> None:
    for name in claims:
        try:
            moment = time_claim(claims, name)
        except Malformed:
            continue
        assert moment is not None
        assert type(claims[name]) is int


@given(
    st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "nonce"]), json_values),
    st.dictionaries(st.sampled_from(["alg", "typ", "jwk"]), json_values),
)
def test_whatever_proof_comes_only_typed_refusals_come_back(claims, header) -> None:
    token = jws(ALICE, {"jti": "1", "htm": make.METHOD, "htu": make.URL, "iat": make.NOW, **claims},
                header={"typ": "dpop+jwt", "jwk": ALICE.jwk, **header})  # fmt: skip
    try:
        check_proof([token], method=make.METHOD, url=make.URL, now=make.noon(), nonces=nonces)
    except OAuthError as refusal:
        assert refusal.code in {"invalid_dpop_proof", "use_dpop_nonce"}  # noqa: PT017


@given(st.sampled_from(KEYS), st.integers(0, 2**20), st.integers(0, 255))
def test_a_token_changed_anywhere_is_no_longer_good(key, place: int, byte: int) -> None:
    token = bytearray(jws(key, CLAIMS), "ascii")
    place %= len(token)
    if token[place] == byte:
        return
    token[place] = byte
    with pytest.raises((Malformed, BadSignature)):
        verify(parse(token.decode("latin-1"), max_bytes=4096), key.jwk, key.alg)


@given(json_values)
def test_strict_json_reads_what_others_write(value) -> None:
    try:
        written = json.dumps(value, allow_nan=False)
        expected = None if strict_json.UNSAFE.search(json.dumps(value, ensure_ascii=False)) else value
    except ValueError:
        return
    if "\\u0000" in written or "\\ud" in written or expected is None:
        return
    assert strict_json.loads(written) == value


@given(st.text("htps:/?#@%.0aZ[]\\ é", max_size=30))
def test_normalising_is_settled_after_once(url: str) -> None:
    once = normalise(url)
    assert once is None or normalise(once) == once
