"""Saying no at a service: the status, the ``WWW-Authenticate`` and the body, each made here alone.

RFC 9449 section 7.1, RFC 6750 section 3, RFC 9457.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent_passport._jwk import ALGORITHMS

Code = Literal[
    "invalid_request",
    "invalid_token",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "insufficient_scope",
    "status_unavailable",
    "rate_limited",
    "missing",
]

_STATUS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "The request is malformed"),
    "invalid_token": (401, "The access token is not accepted"),
    "invalid_dpop_proof": (401, "The proof of possession is not accepted"),
    "use_dpop_nonce": (401, "The proof needs the nonce of this answer"),
    "missing": (401, "An access token is needed"),
    "insufficient_scope": (403, "The access token does not reach this"),
    "rate_limited": (429, "Too many requests"),
    "status_unavailable": (503, "The state of the credential is not known"),
}
_QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_NO_CHALLENGE = frozenset({"rate_limited", "status_unavailable"})


class Refused(Exception):
    """Raised by the rules; becomes a ``Refusal`` in one place.

    ``description`` goes to the caller: what to mend, no token, nothing of another.
    """

    def __init__(self, code: Code, description: str, *, reason: str = "", **extra: Any) -> None:
        super().__init__(description)
        self.code: Code = code
        self.description = description
        self.reason = reason or code
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to give instead of serving the request.

    ``code`` is the OAuth error (``missing`` when no token came), ``reason`` is finer where there
    is more to say: ``passport_revoked``, ``passport_suspended``, ``agent_denied``.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    code: Code
    reason: str
    description: str = field(default="")

    def __bool__(self) -> bool:
        """False: ``if verified := verifier.check(…)`` reads as it works."""
        return False


def answer(refused: Refused, *, issuer: str, bearer: bool) -> Refusal:
    """``bearer``: this service takes unbound tokens too, and says so in its challenge."""
    status, title = _STATUS[refused.code]
    headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    if refused.code not in _NO_CHALLENGE:
        headers += challenges(refused, bearer=bearer)
    headers += refused.extra.get("headers", ())
    problem = {
        "type": _QUOTA_EXCEEDED if status == 429 else f"{issuer}/docs/errors#{refused.reason}",
        "title": title,
        "status": status,
        "detail": refused.description,
    }
    if violated := refused.extra.get("violated"):
        problem["violated-policies"] = list(violated)
    body = json.dumps(problem).encode("utf-8")
    return Refusal(status, tuple(headers), body, refused.code, refused.reason, refused.description)


def challenges(refused: Refused, *, bearer: bool) -> Iterable[tuple[str, str]]:
    parameters = []
    if refused.code != "missing":
        parameters.append(f'error="{refused.code}"')
    if scope := refused.extra.get("scope"):
        parameters.append(f'scope="{scope}"')
    yield "WWW-Authenticate", f"DPoP {', '.join([*parameters, f'algs={chr(34)}{ALGORITHMS}{chr(34)}'])}"
    if bearer:
        yield "WWW-Authenticate", f"Bearer {', '.join(parameters)}".rstrip()
    if nonce := refused.extra.get("nonce"):
        yield "DPoP-Nonce", nonce
