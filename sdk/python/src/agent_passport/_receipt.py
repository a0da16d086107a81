"""Receipts of revocation batches: checked without the issuer, by a key set that was kept beside them."""

import json
from pathlib import Path
from typing import Any

from agent_passport import _jws
from agent_passport._errors import ConfigurationError
from agent_passport._inspect import NotValid
from agent_passport._keyset import KeySet
from agent_passport._protocol import RECEIPT_TYP


def verify_receipt(token: str, keys_file: str, issuer: str = "") -> dict[str, Any]:
    """What the receipt says. Nothing is fetched; a receipt has no end.

    With ``issuer``, only one of its receipts is good. Raises NotValid; ConfigurationError for the key set.
    """
    keys = _read_keys(keys_file)
    try:
        jws = _jws.parse(token.strip(), max_bytes=_jws.TOKEN_BYTES)
        keys.verify(jws)
    except ValueError as error:
        raise NotValid(str(error)) from error
    if jws.typ != RECEIPT_TYP:
        raise NotValid("signed by the issuer, but no receipt")
    if issuer and jws.claims.get("iss") != issuer:
        raise NotValid(f"a receipt of {jws.claims.get('iss')}")
    return jws.claims


def _read_keys(file: str) -> KeySet:
    keys = KeySet()
    try:
        keys.replace(json.loads(Path(file).read_text(encoding="utf-8")), 0.0)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} is no key set: {error}",
            cure="Keep /.well-known/jwks.json of the issuer in a file, from the day of the receipt",
        ) from error
    return keys
