"""Making proofs of possession (RFC 9449 section 4.2). Checking them is in ``_proofs``."""

import hashlib
import secrets
from urllib.parse import urlsplit, urlunsplit

from agent_passport import _base64, _jws
from agent_passport._keys import AgentKey
from agent_passport._protocol import PROOF_TYP


def make_proof(
    key: AgentKey, method: str, url: str, *, now: float, nonce: str | None = None, token: str | None = None
) -> str:
    """One proof for one request. ``token`` is the access token that goes with it, at a service."""
    claims: dict[str, object] = {
        "jti": secrets.token_urlsafe(16),
        "htm": method,
        "htu": target_uri(url),
        "iat": int(now),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if token is not None:
        claims["ath"] = token_hash(token)
    return _jws.build(key, {"typ": PROOF_TYP, "jwk": key.public_jwk}, claims)


def token_hash(token: str) -> str:
    """``ath``: RFC 9449 section 4.2."""
    return _base64.encode(hashlib.sha256(token.encode("ascii")).digest())


def target_uri(url: str) -> str:
    """``htu``: the URL without query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))
