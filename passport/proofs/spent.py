"""What a proof or an assertion leaves behind, so that it is accepted once."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """A proof or an assertion that may not be used again."""

    digest: bytes
    """SHA-256 over its kind, whose it is and its ``jti``: 32 bytes, whatever was sent."""
    expires_at_us: int
    """From then on it would be refused for its age alone."""


def spend(kind: str, holder: str, jti: str, *, expires_at_us: int) -> Spent:
    """``holder`` is a thumbprint or a client id: neither has a NUL, so the parts cannot run together."""
    return Spent(hashlib.sha256(f"{kind}\0{holder}\0{jti}".encode()).digest(), expires_at_us)
