import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import import_key

from passport.jose.edwards import P, is_good_point
from passport.jose.keys import BadKey, read_public, thumbprint
from tests.passport.crafting import ALICE, ED, KEYS, P384, RSA, b64

# RFC 7638 section 3.1.
RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def test_the_thumbprint_is_that_of_the_standards() -> None:
    assert read_public(RFC_7638).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert read_public(okp).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 A.3


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_thumbprint_is_that_of_joserfc(key) -> None:
    assert thumbprint(key.jwk) == import_key(key.jwk).thumbprint() == key.thumbprint


def bad(**members) -> dict:
    return {**ALICE.jwk, **members}


@pytest.mark.parametrize(
    "jwk",
    [
        {}, {"kty": []}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, bad(kty="ec"), bad(crv="P-521"), bad(crv="secp256k1"),
        bad(x=ALICE.jwk["y"]), bad(x=7), bad(x=None), bad(x=ALICE.jwk["x"] + "="), bad(x=b64(bytes(31))),
        bad(x=b64(bytes(33))), bad(x=b64(bytes(32)), y=b64(bytes(32))), bad(crv="P-384"), bad(x="A" * 2000),
        {"kty": "OKP", "crv": "X25519", "x": ED.jwk["x"]}, {"kty": "OKP", "crv": "Ed448", "x": ED.jwk["x"]},
        {**ED.jwk, "x": b64(bytes(31))}, {**RSA.jwk, "e": "Aw"}, {**RSA.jwk, "e": "AAEAAQ"},
        {**RSA.jwk, "n": b64(b"\xff" * 128)}, {**RSA.jwk, "n": b64(b"\xff" * 513)},
        {**RSA.jwk, "n": b64(b"\x00" + b"\xff" * 256)}, {**RSA.jwk, "n": b64(b"\xff" * 255 + b"\xfe")},
    ],
    ids=lambda jwk: json.dumps(jwk)[:60],
)  # fmt: skip
def test_a_key_that_is_weak_malformed_or_of_another_kind_is_refused(jwk) -> None:
    with pytest.raises(BadKey):
        read_public(jwk)


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("key", [ALICE, ED, RSA, P384], ids=lambda key: key.name)
def test_a_private_part_is_refused_and_never_repeated(key, member) -> None:
    with pytest.raises(BadKey) as refusal:
        read_public({**key.jwk, member: "c2VjcmV0"})
    assert "c2VjcmV0" not in str(refusal.value)


# The eight points of small order and their other encodings (y in hexadecimal, little end first).
SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("encoded", SMALL)
def test_a_point_of_small_order_is_refused(encoded: str) -> None:
    assert not is_good_point(bytes.fromhex(encoded))


@given(st.binary(min_size=32, max_size=32))
def test_every_real_key_is_a_good_point_and_half_of_all_numbers_are_none(seed: bytes) -> None:
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert is_good_point(public)
    y = int.from_bytes(seed, "little") & (1 << 255) - 1
    assert not (is_good_point(seed) and y >= P)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e"]),
        st.one_of(
            st.text(max_size=50),
            st.integers(),
            st.none(),
            st.sampled_from(["EC", "OKP", "RSA", "P-256", "Ed25519"]),
        ),
    )
)
def test_whatever_jwk_comes_only_the_typed_refusal_comes_back(jwk) -> None:
    with pytest.raises(BadKey):
        read_public(jwk)
