"""Trace tags: what a service may put into its output as a watermark, and only we can read.

A tag is one AES block under a key of that service alone: the agent's row, the minute of issue and
zeros that prove it was read with the right key. Two services cannot join their tags, and nothing is
stored: a tag can be resolved for as long as the ring holds the key it was made with.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from foundation.sealing import keys

PURPOSE = "trace"
BYTES, CHARACTERS = 16, 22
AGENT_BYTES, MINUTE_BYTES = 5, 4
ZEROS = bytes(BYTES - AGENT_BYTES - MINUTE_BYTES)
"""56 bits: a made-up tag is read as somebody's by no chance worth naming, whatever the number of services."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Traced:
    """What a tag says."""

    agent_pk: int
    """Of the credential at the root of the token."""
    audience: str
    """The service that the token was for: whoever let the tag out."""
    issued_at: datetime
    """To the minute."""


def trace_of(agent_pk: int, audience: str, issued_at: datetime) -> str:
    """22 characters, the same for all tokens of that agent for that service in that minute."""
    minute = (issued_at - EPOCH) // MINUTE
    block = agent_pk.to_bytes(AGENT_BYTES, "big") + minute.to_bytes(MINUTE_BYTES, "big") + ZEROS
    encryptor = _cipher(audience, keys.newest()).encryptor()
    return base64.urlsafe_b64encode(encryptor.update(block)).rstrip(b"=").decode()


def find_traced(tag: str, audiences: Iterable[str]) -> Traced | None:
    """One decryption for each service and key of the ring. None for what is no tag of ours."""
    sealed = _decode(tag)
    if sealed is None:
        return None
    for audience in audiences:
        for key_id in keys.key_ids():
            block = _cipher(audience, key_id).decryptor().update(sealed)
            if hmac.compare_digest(block[-len(ZEROS) :], ZEROS):
                return _read(block, audience)
    return None


def _read(block: bytes, audience: str) -> Traced:
    minute = int.from_bytes(block[AGENT_BYTES : AGENT_BYTES + MINUTE_BYTES], "big")
    return Traced(int.from_bytes(block[:AGENT_BYTES], "big"), audience, EPOCH + minute * MINUTE)


def _decode(tag: str) -> bytes | None:
    if len(tag) != CHARACTERS or not tag.isascii():
        return None
    try:
        sealed = base64.b64decode(tag + "==", altchars=b"-_", validate=True)
    except ValueError:
        return None
    return sealed if len(sealed) == BYTES else None


@lru_cache(maxsize=1024)
def _cipher(audience: str, key_id: str) -> "Cipher[modes.ECB]":
    """One block each, and no two tags that differ say the same: there is nothing for a mode to hide."""
    key = hmac.new(keys.derive(PURPOSE, key_id), audience.encode(), hashlib.sha256).digest()
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
