"""The issuer's public keys by ``kid`` (RFC 7517). Which token signs with which is the token's word alone;
what the key is, is only the issuer's."""

import logging
from collections.abc import Mapping
from typing import Any

from agent_passport import _jws
from agent_passport._jwk import BadKey, PublicKey, parse_public

log = logging.getLogger("agent_passport")

USABLE_SECONDS = 24 * 3600
"""Kept keys serve so long without the issuer; the status lists, which they sign, end long before."""
_KEYS = 64


class KeySet:
    def __init__(self) -> None:
        self._keys: Mapping[str, PublicKey] = {}
        self.fetched_at = 0.0

    def find(self, kid: str | None) -> PublicKey | None:
        return self._keys.get(kid) if kid is not None else None

    def is_usable(self, now: float) -> bool:
        return bool(self._keys) and now < self.fetched_at + USABLE_SECONDS

    def replace(self, jwks: object, fetched_at: float) -> None:
        """Raises ValueError when it is no key set; single keys of other kinds are left out."""
        keys = jwks.get("keys") if isinstance(jwks, dict) else None
        if not isinstance(keys, list) or len(keys) > _KEYS:
            raise ValueError("not a key set")
        self._keys = dict(entry for jwk in keys if (entry := _entry(jwk)))
        self.fetched_at = fetched_at

    def verify(self, jws: _jws.Jws) -> None:
        """Raises ValueError."""
        key = self.find(jws.kid)
        if key is None:
            raise ValueError("signed by an unknown key")
        key.verify(jws.alg, jws.signed, jws.signature)


def _entry(jwk: Any) -> tuple[str, PublicKey] | None:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
        return None
    try:
        return jwk["kid"], parse_public(jwk)
    except BadKey:
        return None
