"""Writes and names our signatures: compact JWS with ``alg``, ``kid`` and ``typ``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from passport.jose import base64url, signatures
from passport.jose.signatures import PrivateHandle


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of a key of ours, for what we issued ourselves."""

    kid: str
    alg: str
    jwk: Mapping[str, str]
    use: str


@dataclass(frozen=True, slots=True)
class Signer:
    kid: str
    alg: str
    handle: PrivateHandle = field(repr=False, compare=False)

    def sign(
        self, claims: Mapping[str, Any], *, typ: str, extra_header: Mapping[str, Any] | None = None
    ) -> str:
        """The compact JWS of ``claims``. One signature."""
        if extra_header:
            header = _segment({"alg": self.alg, "kid": self.kid, "typ": typ, **extra_header})
        else:
            header = _header(self.alg, self.kid, typ)
        signed = f"{header}.{_segment(claims)}"
        signature = signatures.sign(self.handle, self.alg, signed.encode("ascii"))
        return f"{signed}.{base64url.encode(signature)}"


@lru_cache(maxsize=256)
def _header(alg: str, kid: str, typ: str) -> str:
    return _segment({"alg": alg, "kid": kid, "typ": typ})


def _segment(value: Mapping[str, Any]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode("ascii"))
