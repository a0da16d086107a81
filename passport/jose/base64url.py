"""Base64url without padding (RFC 7515 section 2), read in its one canonical form."""

import base64
import binascii


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of ``text``. Raises ValueError on padding, foreign letters and stray bits.

    The lenient reader below skips what it does not know; whatever it skipped or rounded shows
    when its result is written again.
    """
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as wrong:
        raise ValueError("not base64url") from wrong
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
