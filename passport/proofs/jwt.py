"""A strict reader of JWS in compact form (RFC 7515, RFC 8725): what libraries let pass is refused here.

It fetches nothing, chooses no algorithm by the header, and says only what is wrong with the form;
who may have signed, and what the claims mean, is for its callers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from passport.jose import base64url, signatures, strict_json
from passport.jose.keys import BadKey, read_public

MAX_HEADER_BYTES = 2 * 1024
MAX_ASSERTION_BYTES = 4 * 1024
MAX_TOKEN_BYTES = 16 * 1024
"""Of a subject or actor token; an access token at introspection and revocation."""
MAX_TIME = 253_402_300_799
"""The last second of the year 9999: later ones are not times."""
FORBIDDEN = ("crit", "b64", "zip", "jku", "x5u", "x5c")
"""Each changes how to read or whom to trust; we implement none."""
KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
REMEMBERED_HEADERS = 2048
"""Headers repeat: a signing key's for all its tokens, an agent's for all its proofs."""


class Malformed(Exception):
    """Not a JWT that we would read at all, or a claim of the wrong kind. ``reason`` may be shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadSignature(Exception):
    """Not signed by that key under its algorithm."""


@dataclass(frozen=True, slots=True)
class Jws:
    """What was said; nothing of it is known to be true before ``verify``. Change none of it."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        kid: str | None = self.header.get("kid")
        return kid

    @property
    def typ(self) -> str | None:
        """Lower case, without one leading ``application/`` (RFC 7515 section 4.1.9)."""
        typ: str | None = self.header.get("typ")
        return None if typ is None else typ.lower().removeprefix("application/")


def parse(token: str, *, max_bytes: int, allow_jwk: bool = False) -> Jws:
    """Read a compact JWS. Raises Malformed. ``allow_jwk`` is for proofs: elsewhere a key of the
    sender's own is an attack."""
    if len(token) > max_bytes:
        raise Malformed(f"longer than {max_bytes} bytes")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Malformed("not three parts separated by dots")
    header = _read_header(parts[0])
    if not allow_jwk and "jwk" in header:
        raise Malformed("the header carries jwk")
    claims = _read_object(parts[1], "claims")
    signature = _decode(parts[2], "signature")
    return Jws(header, claims, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def verify(jws: Jws, jwk: Mapping[str, Any], alg: str) -> None:
    """Raises BadSignature unless ``jws`` was signed by ``jwk`` under ``alg``, the key's own algorithm.

    One signature check; the parsed key is remembered by its members.
    """
    if signatures.one_name(jws.alg) != signatures.one_name(alg):
        raise BadSignature("the algorithm is not that of the key")
    try:
        key = read_public(jwk)
    except BadKey as bad:
        raise BadSignature("the key is not usable") from bad
    if not signatures.is_good(key.handle, alg, jws.signed, jws.signature):
        raise BadSignature("the signature is wrong")


def text_claim(claims: Mapping[str, Any], name: str, *, most: int = 512) -> str:
    """A string claim of 1 to ``most`` characters. Raises Malformed."""
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise Malformed(f"{name} must be a string of 1 to {most} characters")
    return value


def time_claim(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate in whole seconds, or None when absent. Raises Malformed: true is not 1 here."""
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= MAX_TIME:
        raise Malformed(f"{name} must be a whole number of seconds")
    return datetime.fromtimestamp(value, UTC)


@lru_cache(maxsize=REMEMBERED_HEADERS)
def _read_header(part: str) -> Mapping[str, Any]:
    header = _read_object(part, "header", most=MAX_HEADER_BYTES)
    for name in FORBIDDEN:
        if name in header:
            raise Malformed(f"the header carries {name}")
    if not isinstance(header.get("alg"), str):
        raise Malformed("the header has no alg")
    if not isinstance(header.get("typ", ""), str):
        raise Malformed("typ must be a string")
    kid = header.get("kid", "-")
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise Malformed("kid must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
    return header


def _read_object(part: str, name: str, *, most: int | None = None) -> dict[str, Any]:
    raw = _decode(part, name)
    if most is not None and len(raw) > most:
        raise Malformed(f"the {name} is longer than {most} bytes")
    try:
        return strict_json.loads_object(raw)
    except ValueError as wrong:
        if str(wrong) in {"a member is repeated", "nested too deeply"}:
            raise Malformed(f"in the {name} {wrong}") from None
        raise Malformed(f"the {name} is not a JSON object in UTF-8") from None


def _decode(part: str, name: str) -> bytes:
    try:
        return base64url.decode(part)
    except ValueError:
        raise Malformed(f"the {name} is not canonical base64url") from None
