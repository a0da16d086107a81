"""The keys of a registered key set: to authenticate with, and to bind tokens to."""

from collections.abc import Iterator
from typing import Any

from passport.agents.keys import BadKey, PublicKey, parse_public_jwk


def read_keys(key_set: Any) -> Iterator[PublicKey]:
    """Of a key set (RFC 7517 section 5); one that we would not register now counts for nothing."""
    members: Any = key_set.get("keys", []) if isinstance(key_set, dict) else []
    for jwk in members:
        try:
            yield parse_public_jwk(jwk)
        except BadKey:
            continue


def thumbprints_of(key_set: Any) -> frozenset[str]:
    return frozenset(key.thumbprint for key in read_keys(key_set))
