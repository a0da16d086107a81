"""Tokens that callers hand in to be looked at, admitted or revoked: ours by signature, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from passport.conf import issuer
from passport.proofs.jwt import MAX_TOKEN_BYTES, BadSignature, Jws, Malformed, parse, verify
from passport.signing.keys import find_public

MAX_LIST = 2**31


@dataclass(frozen=True, slots=True)
class Place:
    """The entry of a status list."""

    number: int
    index: int


def read_ours(token: str) -> Jws | None:
    """The token, if we signed it with a key that is still published; expired ones too.

    One signature check and no query. Nothing that the token names is fetched (JWKS-01).
    """
    try:
        jws = parse(token, max_bytes=MAX_TOKEN_BYTES)
    except Malformed:
        return None
    key = find_public(jws.kid) if jws.kid else None
    if key is None:
        return None
    try:
        verify(jws, key.jwk, key.alg)
    except BadSignature:
        return None
    return jws if jws.claims.get("iss") == issuer() else None


def place_of(jws: Jws) -> Place | None:
    """Where its root stands in our status lists. None for a token for our own endpoints."""
    return place_at(jws.claims)


def place_at(claims: Mapping[str, Any]) -> Place | None:
    try:
        entry = claims["status"]["status_list"]
        number, index = int(entry["uri"].removeprefix(f"{issuer()}/status/")), entry["idx"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if type(index) is not int or not 0 <= index < MAX_LIST or not 0 <= number < MAX_LIST:
        return None
    return Place(number, index)
