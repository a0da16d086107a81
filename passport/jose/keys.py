"""Public keys as JWK (RFC 7517, RFC 7518 section 6, RFC 8037): read, checked, named by thumbprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from passport.jose import base64url
from passport.jose.edwards import is_good_point

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""What identifies a key, in the order of RFC 7638 section 3.2."""

RSA_BITS = range(2048, 4097)
RSA_EXPONENT = 65537
REMEMBERED = 10_000
"""Parsed keys kept by a process, a kilobyte or so each: an agent's key comes with every proof."""

type Handle = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    alg: str
    curve: ec.EllipticCurve
    size_bytes: int


CURVES = {
    "P-256": Curve("P-256", "ES256", ec.SECP256R1(), 32),
    "P-384": Curve("P-384", "ES384", ec.SECP384R1(), 48),
}


class BadKey(ValueError):
    """Not a public key that we accept. The message may be shown; it never holds key material."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    jwk: Mapping[str, str]
    """Only the members that identify the key."""
    thumbprint: str
    """RFC 7638, SHA-256, base64url: 43 characters."""
    alg: str
    """The one algorithm it verifies. ``EdDSA`` for Ed25519, whichever name a header uses."""
    handle: Handle = field(repr=False, compare=False)


def read_public(jwk: Mapping[str, Any]) -> PublicKey:
    """The key that a JWK describes; members that do not identify it are ignored. Raises BadKey.

    One that holds a private or symmetric part is refused: whoever sent it has given it away.
    """
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise BadKey("it holds a private or symmetric part; that key must not be used any more")
    kty = jwk.get("kty")
    names = REQUIRED.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise BadKey("kty must be EC, OKP or RSA")
    values = tuple(jwk.get(name) for name in names)
    if not all(isinstance(value, str) and len(value) <= 1024 for value in values):
        raise BadKey(f"a key of kty {kty} has the members {', '.join(names)}")
    return _read(names, values)


@lru_cache(maxsize=REMEMBERED)
def _read(names: tuple[str, ...], values: tuple[str, ...]) -> PublicKey:
    jwk = dict(zip(names, values, strict=True))
    alg, handle = READERS[jwk["kty"]](jwk)
    return PublicKey(jwk, thumbprint(jwk), alg, handle)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 section 3, for a JWK that has its required members."""
    members = {name: jwk[name] for name in REQUIRED[jwk["kty"]]}
    return base64url.encode(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def jwk_of(handle: Handle) -> dict[str, str]:
    """The JWK of a public key object of ours."""
    if isinstance(handle, ec.EllipticCurvePublicKey):
        curve = next(curve for curve in CURVES.values() if curve.curve.name == handle.curve.name)
        point = handle.public_numbers()
        x, y = (base64url.encode(part.to_bytes(curve.size_bytes, "big")) for part in (point.x, point.y))
        return {"crv": curve.name, "kty": "EC", "x": x, "y": y}
    if isinstance(handle, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(handle.public_bytes_raw())}
    numbers = handle.public_numbers()
    return {"e": _encode_number(numbers.e), "kty": "RSA", "n": _encode_number(numbers.n)}


def _encode_number(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _bytes(jwk: Mapping[str, str], name: str, size_bytes: int | None = None) -> bytes:
    try:
        value = base64url.decode(jwk[name])
    except ValueError as wrong:
        raise BadKey(f"{name} is not base64url") from wrong
    if size_bytes is not None and len(value) != size_bytes:
        raise BadKey(f"{name} must have {size_bytes} bytes")
    return value


def _read_ec(jwk: Mapping[str, str]) -> tuple[str, Handle]:
    curve = CURVES.get(jwk["crv"])
    if curve is None:
        raise BadKey("crv must be P-256 or P-384 for kty EC")
    x, y = (int.from_bytes(_bytes(jwk, name, curve.size_bytes), "big") for name in ("x", "y"))
    try:
        return curve.alg, ec.EllipticCurvePublicNumbers(x, y, curve.curve).public_key()
    except ValueError as wrong:
        raise BadKey("the point is not on the curve") from wrong


def _read_okp(jwk: Mapping[str, str]) -> tuple[str, Handle]:
    if jwk["crv"] != "Ed25519":
        raise BadKey("crv must be Ed25519 for kty OKP")
    encoded = _bytes(jwk, "x", 32)
    if not is_good_point(encoded):
        raise BadKey("the point is not on the curve, or is of small order")
    return "EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(encoded)


def _read_rsa(jwk: Mapping[str, str]) -> tuple[str, Handle]:
    raw = _bytes(jwk, "n")
    modulus, exponent = int.from_bytes(raw, "big"), int.from_bytes(_bytes(jwk, "e"), "big")
    if exponent != RSA_EXPONENT or jwk["e"] != "AQAB":
        raise BadKey("e must be 65537 (AQAB)")
    if modulus.bit_length() not in RSA_BITS or modulus % 2 == 0 or raw[0] == 0:
        raise BadKey("n must be an odd number of 2048 to 4096 bits without leading zeros")
    return "RS256", rsa.RSAPublicNumbers(exponent, modulus).public_key()


READERS = {"EC": _read_ec, "OKP": _read_okp, "RSA": _read_rsa}
