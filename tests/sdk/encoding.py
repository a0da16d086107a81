"""Encodings of the protocol, written a second time for the tests, by other means than the SDK's."""

import base64
import hashlib
import json
from typing import Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk_of(public: Any) -> dict[str, str]:
    algorithm = ECAlgorithm if hasattr(public, "curve") else OKPAlgorithm
    jwk = json.loads(algorithm.to_jwk(public))
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}
    return members | {"kid": thumbprint(members)}


def thumbprint(members: dict[str, str]) -> str:
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


def thumbprint_of(public: Any) -> str:
    return jwk_of(public)["kid"]


def packed(indexes: list[int]) -> str:
    """Gaps between sorted indexes as unsigned LEB128, base64url."""
    out, before = bytearray(), 0
    for index in sorted(indexes):
        gap, before = index - before, index
        while gap >= 0x80:
            out.append(gap & 0x7F | 0x80)
            gap >>= 7
        out.append(gap)
    return b64(bytes(out))
