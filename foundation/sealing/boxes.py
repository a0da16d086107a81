"""Envelope encryption: each secret under a data key of its own, the data key under the ring.

Layout: 1 byte version, 1 byte length of the key id, the key id, 12 bytes nonce and 48 bytes
of the wrapped data key, 12 bytes nonce and the ciphertext. AES-256-GCM (NIST SP 800-38D).
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.sealing import keys

VERSION = 1
NONCE = 12
WRAPPED = 32 + 16


class CannotOpen(Exception):
    """The box is damaged, of another context, or sealed under a key that left the ring."""


def seal(secret: bytes, *, context: str) -> bytes:
    """Encrypt ``secret``; ``context`` names what it is and must be given again to open it."""
    key_id = keys.newest()
    bound = context.encode()
    data_key = AESGCM.generate_key(256)
    outer, inner = os.urandom(NONCE), os.urandom(NONCE)
    wrapped = AESGCM(keys.derive("seal", key_id)).encrypt(outer, data_key, bound)
    head = bytes([VERSION, len(key_id)]) + key_id.encode()
    return head + outer + wrapped + inner + AESGCM(data_key).encrypt(inner, secret, bound)


def open_box(box: bytes | memoryview, *, context: str) -> bytes:
    """The secret of a box made by ``seal`` with the same ``context``. Raises CannotOpen."""
    key_id, rest = _read_head(bytes(box))
    bound = context.encode()
    outer, wrapped = rest[:NONCE], rest[NONCE : NONCE + WRAPPED]
    inner, sealed = rest[NONCE + WRAPPED : 2 * NONCE + WRAPPED], rest[2 * NONCE + WRAPPED :]
    try:
        data_key = AESGCM(keys.derive("seal", key_id)).decrypt(outer, wrapped, bound)
        return AESGCM(data_key).decrypt(inner, sealed, bound)
    except KeyError as missing:
        raise CannotOpen(f"sealed under the key {key_id!r}, which is not in the ring") from missing
    except (InvalidTag, ValueError) as damaged:
        raise CannotOpen("damaged, or of another context") from damaged


def sealed_under(box: bytes | memoryview) -> str:
    """The id of the ring key that a box needs: tells what to seal anew after a rotation."""
    return _read_head(bytes(box))[0]


def _read_head(box: bytes) -> tuple[str, bytes]:
    if len(box) < 2 or box[0] != VERSION or len(box) < 2 + box[1] + 2 * NONCE + WRAPPED + 16:
        raise CannotOpen("not a sealed box")
    end = 2 + box[1]
    return box[2:end].decode("ascii", "replace"), box[end:]
