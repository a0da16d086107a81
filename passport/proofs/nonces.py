"""DPoP nonces (RFC 9449 section 8) without memory: their own time under an HMAC, good in every process.

The time is exact, not a step of a minute: where what was spent before a moment is not known, a
nonce counts only if it was given out after that moment (DESIGN section 5).
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from foundation.sealing import keys
from passport.jose import base64url

PURPOSE = "dpop-nonce"
LIFE_SECONDS = 120
"""The longest that one is accepted."""
AHEAD = timedelta(seconds=5)
"""Processes' clocks differ."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_BYTES, MAC_BYTES = 8, 18


def issue(now: datetime) -> str:
    at_us = (now - EPOCH) // timedelta(microseconds=1)
    return _nonce(at_us.to_bytes(TIME_BYTES, "big"), keys.newest())


def is_valid(nonce: str, now: datetime) -> bool:
    """Whether we issued it within LIFE_SECONDS, under a key of the ring; in constant time."""
    try:
        time = base64url.decode(nonce)[:TIME_BYTES]
    except ValueError:
        return False
    found, given = False, nonce.encode("utf-8", "replace")
    for key_id in keys.key_ids():
        found |= hmac.compare_digest(_nonce(time, key_id).encode(), given)
    return found and -AHEAD <= now - _moment(time) < timedelta(seconds=LIFE_SECONDS)


def issued_at(nonce: str) -> datetime:
    """When a valid nonce was given out."""
    return _moment(base64url.decode(nonce)[:TIME_BYTES])


def _moment(time: bytes) -> datetime:
    return EPOCH + timedelta(microseconds=int.from_bytes(time, "big"))


def _nonce(time: bytes, key_id: str) -> str:
    digest = hmac.new(keys.derive(PURPOSE, key_id), time, hashlib.sha256).digest()
    return base64url.encode(time + digest[:MAC_BYTES])
