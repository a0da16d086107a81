"""JWK sets that clients register or publish (RFC 7517 section 5). Pure."""

from collections.abc import Mapping
from typing import Any

from passport.agents.keys import BadKey, PublicKey, parse_public_jwk
from passport.jose import strict_json
from passport.jose.keys import PRIVATE_MEMBERS

MOST_KEYS = 10


def parse_key_set(value: Any) -> tuple[PublicKey, ...]:
    """The keys of a set that is to be registered: each of them must be good. Raises BadKey."""
    members = _members(value)
    if not members:
        raise BadKey("jwks holds no key")
    return _distinct([parse_public_jwk(member) for member in members])


def read_key_set(body: bytes) -> tuple[PublicKey, ...]:
    """The usable keys of a set that others publish for many readers. Raises BadKey, ValueError.

    Kinds that we do not know are passed over. A private part spoils the whole set: whoever
    published it has given the key away, and perhaps the others.
    """
    members = _members(strict_json.loads_object(body))
    if any(not PRIVATE_MEMBERS.isdisjoint(member) for member in members):
        raise BadKey("the set holds a private or symmetric key")
    found: list[PublicKey] = []
    for member in members:
        try:
            found.append(parse_public_jwk(member))
        except BadKey:
            continue
    return _distinct(found)


def _members(value: Any) -> list[Mapping[str, Any]]:
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise BadKey('jwks is an object with a member "keys", a list of keys')
    if len(keys) > MOST_KEYS:
        raise BadKey(f"jwks holds more than {MOST_KEYS} keys")
    return keys


def _distinct(keys: list[PublicKey]) -> tuple[PublicKey, ...]:
    if len({key.thumbprint for key in keys}) < len(keys) or len({key.kid for key in keys}) < len(keys):
        raise BadKey("jwks holds a key or a kid twice")
    return tuple(keys)
