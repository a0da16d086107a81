"""Nonces for proofs (RFC 9449 section 9): nothing is stored, any process with the secret knows its own."""

import hashlib
import hmac

from agent_passport import _base64

STEP_SECONDS = 60
"""A nonce is good for this step and the next: between one and two minutes."""


class Nonces:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, now: float) -> str:
        return self._of(int(now) // STEP_SECONDS)

    def is_valid(self, nonce: str, now: float) -> bool:
        step = int(now) // STEP_SECONDS
        given = nonce.encode("utf-8", "replace")
        return any(hmac.compare_digest(given, self._of(at).encode("ascii")) for at in (step, step - 1))

    def _of(self, step: int) -> str:
        digest = hmac.new(self._secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
        return _base64.encode(digest[:18])
