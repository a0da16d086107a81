"""DPoP nonces (RFC 9449 section 8) without memory: an HMAC of the minute, the same in every process."""

import hashlib
import hmac
from datetime import datetime

from foundation.sealing import keys
from passport.jose import base64url

PURPOSE = "dpop-nonce"
STEP_SECONDS = 60
LIFE_SECONDS = 2 * STEP_SECONDS
"""The longest that one is accepted: its own minute and the next."""


def issue(now: datetime) -> str:
    return _nonce(_step(now), keys.newest())


def is_valid(nonce: str, now: datetime) -> bool:
    """Whether we issued it in this minute or the last, under a key of the ring; in constant time."""
    found, given = False, nonce.encode("utf-8", "replace")
    for key_id in keys.key_ids():
        for step in (_step(now), _step(now) - 1):
            found |= hmac.compare_digest(_nonce(step, key_id).encode(), given)
    return found


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _nonce(step: int, key_id: str) -> str:
    digest = hmac.new(keys.derive(PURPOSE, key_id), step.to_bytes(8, "big"), hashlib.sha256).digest()
    return base64url.encode(digest[:18])
