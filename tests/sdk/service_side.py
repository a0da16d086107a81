"""What the tests of the verifier share: a clock to move, a caller who makes proofs, and waiting."""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt

from agent_passport import AgentKey, Refusal, Verified, Verifier
from tests.sdk.encoding import b64

AUDIENCE = "https://infer.example"
ECHO = "https://infer.example/echo"
ALGS = 'algs="ES256 EdDSA Ed25519"'


class Clock:
    """The time, and the monotonic time, moved together."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def make_proof(key: AgentKey, token: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """By another library than the SDK's. A claim of None is left out."""
    claims = {
        "jti": secrets.token_urlsafe(8),
        "htm": "GET",
        "htu": ECHO,
        "iat": int(time.time()),
        "ath": b64(hashlib.sha256(token.encode()).digest()),
        **changes,
    }
    members = {name: value for name, value in claims.items() if value is not None}
    headers = {"typ": "dpop+jwt", "jwk": key.public_jwk, **(header or {})}
    headers = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(members, private_of(key), algorithm=key.alg, headers=headers)


def private_of(key: AgentKey) -> Any:
    return jwt.PyJWK(key.private_jwk() | {"alg": key.alg}).key


def headers_of(token: str, proof: str | None = None, scheme: str = "DPoP") -> list[tuple[str, str]]:
    headers = [("Authorization", f"{scheme} {token}")]
    return [*headers, ("DPoP", proof)] if proof is not None else headers


def call(verifier: Verifier, key: AgentKey, token: str, scope: str | None = None) -> Verified | Refusal:
    return verifier.check("GET", "/echo", headers_of(token, make_proof(key, token)), scope=scope)


def challenge(refusal: Verified | Refusal) -> tuple[int, list[str]]:
    assert isinstance(refusal, Refusal), refusal
    return refusal.status, [value for name, value in refusal.headers if name == "WWW-Authenticate"]


def eventually(condition: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
