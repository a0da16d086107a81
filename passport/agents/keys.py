"""What may be registered as an agent's key. A private part is refused, never kept or repeated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from passport.jose import strict_json
from passport.jose.keys import BadKey, read_public

__all__ = ["BadKey", "PublicKey", "parse_public_jwk"]

MAX_BYTES = 8 * 1024
KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
ALGS = {
    "ES256": ("ES256",),
    "ES384": ("ES384",),
    "EdDSA": ("EdDSA", "Ed25519"),
    "RS256": ("RS256", "PS256"),
}
"""What the member ``alg`` may say, by the algorithm that the key's type gives it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    jwk: Mapping[str, str]
    """The identifying members, and nothing else that was sent."""
    thumbprint: str
    alg: str
    """ES256, ES384, EdDSA, RS256 or PS256. RSA keys authenticate, but cannot make DPoP proofs."""
    kid: str
    """The one given, else the thumbprint."""


def parse_public_jwk(raw: str | Mapping[str, Any]) -> PublicKey:
    """Read a JWK given as text or as an object. Raises BadKey with words for its owner.

    The algorithm is the key's own: by type and curve, for RSA by its ``alg``, RS256 without one.
    """
    jwk = _read_text(raw) if isinstance(raw, str) else raw
    key = read_public(jwk)
    if jwk.get("use", "sig") != "sig":
        raise BadKey("use must be sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise BadKey("key_ops must allow verify")
    alg = jwk.get("alg", key.alg)
    if not isinstance(alg, str) or alg not in ALGS[key.alg]:
        raise BadKey(f"alg must be {' or '.join(ALGS[key.alg])} for such a key")
    kid = jwk.get("kid", key.thumbprint)
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise BadKey("kid must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
    return PublicKey(key.jwk, key.thumbprint, "EdDSA" if alg == "Ed25519" else alg, kid)


def _read_text(raw: str) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise BadKey("a JWK has at most 8 KiB")
    try:
        return strict_json.loads_object(raw)
    except ValueError as wrong:
        raise BadKey(f"not a JWK: {wrong}" if "repeated" in str(wrong) else "not a JSON object") from None
