"""The keys that an issuer of workload tokens publishes: found by OpenID Connect Discovery, kept while fresh.

Only what an owner registered is ever asked; what a token names in its header never is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from foundation.outbound import documents
from foundation.outbound.client import KEYS, OutboundError
from foundation.outbound.documents import Document, Kind
from passport.agents.key_sets import read_key_set
from passport.agents.keys import PublicKey
from passport.jose import strict_json

WELL_KNOWN = "/.well-known/openid-configuration"


class Unreachable(Exception):
    """The keys cannot be had now. ``reason`` is one word for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_configuration(body: bytes) -> dict[str, Any]:
    """What a provider says of itself, as far as we need it. Raises ValueError."""
    said = strict_json.loads_object(body)
    if not isinstance(said.get("issuer"), str) or not isinstance(said.get("jwks_uri"), str):
        raise ValueError("issuer and jwks_uri are missing")
    return said


CONFIGURATION = Kind("workload_configuration", KEYS, read_configuration)
KEY_SET = Kind("workload_keys", KEYS, read_key_set)


def issuer_keys(issuer: str, *, kid: str | None, now: datetime) -> Sequence[PublicKey]:
    """The keys of ``issuer``. A ``kid`` that is not among them has them read again, once a minute at most.

    Call it outside a transaction. Raises Unreachable, also where the document is not that
    issuer's own (OpenID Connect Discovery section 4.3).
    """
    try:
        address = _key_address(issuer, now)
        document = documents.read(address, KEY_SET, now=now)
    except OutboundError as failure:
        raise Unreachable(failure.reason) from failure
    keys = read_key_set(document.body)
    if kid is not None and kid not in {key.kid for key in keys}:
        newer: Document | None = documents.reread(address, KEY_SET, now=now)
        return read_key_set(newer.body) if newer else keys
    return keys


def _key_address(issuer: str, now: datetime) -> str:
    document = documents.read(issuer.removesuffix("/") + WELL_KNOWN, CONFIGURATION, now=now)
    said = read_configuration(document.body)
    if said["issuer"] != issuer or urlsplit(said["jwks_uri"]).scheme != "https":
        raise Unreachable("issuer")
    return str(said["jwks_uri"])
