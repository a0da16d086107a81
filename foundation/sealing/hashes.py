"""Keyed hashes: they let equal values be found without keeping the values."""

import hmac
from typing import NamedTuple

from foundation.sealing import keys


class KeyedHash(NamedTuple):
    key_id: str
    digest: bytes


def keyed_hash(purpose: str, message: bytes) -> KeyedHash:
    """HMAC-SHA256 (32 bytes) under the newest key: what is written."""
    return keyed_hash_under(purpose, message, keys.newest())


def keyed_hashes(purpose: str, message: bytes) -> list[KeyedHash]:
    """The hash under every key of the ring, newest first: what is looked up."""
    return [keyed_hash_under(purpose, message, key_id) for key_id in keys.key_ids()]


def keyed_hash_under(purpose: str, message: bytes, key_id: str) -> KeyedHash:
    return KeyedHash(key_id, hmac.digest(keys.derive(purpose, key_id), message, "sha256"))


def matches_any(purpose: str, message: bytes, digest: bytes) -> bool:
    """Whether ``digest`` is the hash of ``message`` under a key of the ring; in constant time."""
    found = False
    for candidate in keyed_hashes(purpose, message):
        found |= hmac.compare_digest(candidate.digest, digest)
    return found
