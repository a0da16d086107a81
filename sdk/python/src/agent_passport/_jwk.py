"""Public keys of proofs and of the issuer: reading, thumbprints, one signature check. No private keys here.

Two kinds: Ed25519 (RFC 8037) and P-256 (RFC 7518 section 6.2). Others are refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from agent_passport import _base64

ALGORITHMS = "ES256 EdDSA Ed25519"
"""What is accepted in access tokens and proofs, as it stands in ``algs`` (RFC 9449 section 5.1)."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ECDSA = ec.ECDSA(SHA256())
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class BadKey(ValueError):
    """Not a public key of an accepted kind; the message says what is wrong with it."""


class BadSignature(ValueError):
    """The signature is not of this key, or its ``alg`` is not of this kind of key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    key: Ed25519PublicKey | ec.EllipticCurvePublicKey
    algs: frozenset[str]
    """The names under which this kind of key signs. RFC 9864 has two for Ed25519."""
    thumbprint: str
    """RFC 7638, SHA-256."""

    def verify(self, alg: str, signed: bytes, signature: bytes) -> None:
        """Raises BadSignature."""
        if alg not in self.algs:
            raise BadSignature("alg is not that of the key")
        if len(signature) != 64:
            raise BadSignature("a signature has 64 bytes")
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, signed)
            else:
                self.key.verify(_der(signature), signed, _ECDSA)
        except InvalidSignature as error:
            raise BadSignature("the signature does not match") from error


def _der(signature: bytes) -> bytes:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        raise BadSignature("r or s is out of range")
    return encode_dss_signature(r, s)


def parse_public(jwk: object) -> PublicKey:
    """Read a public JWK. Other public members are ignored. Raises BadKey."""
    if not isinstance(jwk, Mapping):
        raise BadKey("jwk is missing or no object")
    if PRIVATE_MEMBERS & jwk.keys():
        raise BadKey("jwk holds a private or symmetric key")
    members = [jwk.get(name) for name in ("kty", "crv", "x", "y")]
    kty, crv, x, y = members
    if kty == "OKP" and crv == "Ed25519" and isinstance(x, str):
        return _ed25519(x)
    if kty == "EC" and crv == "P-256" and isinstance(x, str) and isinstance(y, str):
        return _p256(x, y)
    raise BadKey("jwk is neither Ed25519 nor P-256")


# An agent calls again and again with the same key; loading it costs a point check.
@lru_cache(maxsize=4096)
def _ed25519(x: str) -> PublicKey:
    key = Ed25519PublicKey.from_public_bytes(_coordinate(x))
    print_of = thumbprint({"crv": "Ed25519", "kty": "OKP", "x": x})
    return PublicKey(key, frozenset({"EdDSA", "Ed25519"}), print_of)


@lru_cache(maxsize=4096)
def _p256(x: str, y: str) -> PublicKey:
    point = b"\x04" + _coordinate(x) + _coordinate(y)
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadKey("the point is not on P-256") from error
    print_of = thumbprint({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    return PublicKey(key, frozenset({"ES256"}), print_of)


def _coordinate(text: str) -> bytes:
    try:
        raw = _base64.decode(text) if len(text) == 43 else b""
    except ValueError as error:
        raise BadKey("a coordinate is not base64url") from error
    if len(raw) != 32:
        raise BadKey("a coordinate has 32 bytes")
    return raw


def thumbprint(members: Mapping[str, Any]) -> str:
    """RFC 7638 over exactly these members, which must be the required ones of the kind."""
    text = json.dumps(dict(members), sort_keys=True, separators=(",", ":"))
    return _base64.encode(hashlib.sha256(text.encode("utf-8")).digest())
