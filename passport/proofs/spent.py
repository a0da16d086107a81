"""What a proof or an assertion leaves behind, so that it is accepted once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """A proof or an assertion that may not be used again."""

    digest: bytes
    """SHA-256 over whose it is and its ``jti``: 32 bytes."""
    expires_at_us: int
    """From then on it would be refused for its age alone."""
