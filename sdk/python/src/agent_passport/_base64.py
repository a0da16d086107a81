"""Base64url without padding (RFC 7515 section 2), read strictly."""

import base64
import binascii


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError for padding, foreign characters and any second spelling of the same bytes."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    # The library skips foreign characters and ignores left-over bits: only what encodes back is accepted.
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
