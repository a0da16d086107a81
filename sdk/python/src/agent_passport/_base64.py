"""Base64url without padding (RFC 7515 section 2), read strictly."""

import binascii

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST = {0: _ALPHABET, 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
"""By what the last group has: characters whose left-over bits are zero, so that bytes have one spelling."""


def encode(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError for padding, foreign characters and any second spelling of the same bytes."""
    given = text.encode("utf-8", "replace")
    in_last_group = len(given) % 4
    # The library skips foreign characters and ignores left-over bits.
    if given.translate(None, _ALPHABET) or in_last_group == 1:
        raise ValueError("not base64url")
    if given and given[-1] not in _LAST[in_last_group]:
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(given.translate(_FROM_URL) + b"=" * (-in_last_group % 4))
