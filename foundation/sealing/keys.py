"""The key ring: named secrets from the settings, newest first, and what is derived from them.

Nothing uses a ring key itself. Each purpose has its own key, derived by HKDF (RFC 5869), so
that what one purpose leaks says nothing about another.
"""

from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def key_ids() -> tuple[str, ...]:
    """The ring's key ids, newest first."""
    return tuple(settings.KEY_RING)


def newest() -> str:
    return key_ids()[0]


def derive(purpose: str, key_id: str) -> bytes:
    """The 32-byte key of ``purpose`` under the ring key ``key_id``. KeyError when it left the ring."""
    return _derive(purpose, settings.KEY_RING[key_id])


@lru_cache(maxsize=256)
def _derive(purpose: str, secret: bytes) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"agent-passport/" + purpose.encode())
    return hkdf.derive(secret)
