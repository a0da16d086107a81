"""Refusals of the token endpoint, and what an agent makes of each."""

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors.lists import ISSUER, NOW

CLASSES = {
    "invalid_client": (401, "ClientRefused"),
    "unauthorized_client": (400, "AgentRestricted"),
    "access_denied": (403, "AgentRestricted"),
    "invalid_request": (400, "PassportRefused"),
    "invalid_grant": (400, "PassportRefused"),
    "invalid_scope": (400, "ScopeRefused"),
    "invalid_target": (400, "TargetRefused"),
    "invalid_dpop_proof": (400, "ProofRefused"),
    "use_dpop_nonce": (400, "ProofRefused"),
    "temporarily_unavailable": (503, "IssuerBusy"),
    "unsupported_grant_type": (400, "IssuerRefused"),
    "invalid_authorization_details": (400, "IssuerRefused"),
    "request_not_supported": (400, "IssuerRefused"),
}
REASONS = ["passport_revoked", "passport_suspended", "account_suspended", "key_revoked", "assertion_replayed"]


def refusal(
    name: str,
    status: int,
    body: str,
    kind: str,
    code: str,
    *,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """``retry_after`` is in seconds; ``reason`` what stands behind the # of ``error_uri``."""
    expected = {"class": kind, "code": code, "reason": "", "retry_after": None, **more}
    return {"name": name, "status": status, "headers": headers or {}, "body": body, **expected}


def cases() -> Iterator[dict[str, Any]]:
    for code, (status, kind) in CLASSES.items():
        body = json.dumps({"error": code, "error_description": "in words"})
        yield refusal(code, status, body, kind, code, description="in words")
    for reason in REASONS:
        body = json.dumps({"error": "invalid_request", "error_uri": f"{ISSUER}/docs/errors#{reason}"})
        yield refusal(f"reason {reason}", 400, body, "PassportRefused", "invalid_request", reason=reason)
    busy = json.dumps({"error": "temporarily_unavailable", "error_description": "the limit is reached"})
    for name, value, seconds in (
        ("seconds", "7", 7),
        ("a date", "Tue, 24 Nov 2026 12:00:10 GMT", 10),
        ("a date that is past", "Tue, 24 Nov 2026 11:59:00 GMT", 0),
        ("nonsense", "soon", None),
        ("a negative number", "-5", None),
    ):
        headers = {"Retry-After": value}
        yield refusal(
            f"Retry-After: {name}",
            429,
            busy,
            "IssuerBusy",
            "temporarily_unavailable",
            headers=headers,
            retry_after=seconds,
        )
    for status in (429, 502, 503, 504):
        yield refusal(f"{status} without a word", status, "<html>", "IssuerBusy", "temporarily_unavailable")
    for name, body in {"a page": "<html>", "nothing": "", "an array": "[]", "no error": '{"a":1}'}.items():
        yield refusal(f"400 with {name}", 400, body, "IssuerRefused", "invalid_answer")
    yield refusal("a code nobody knows", 400, '{"error":"moon_phase"}', "IssuerRefused", "moon_phase")
    yield refusal("error is no text", 400, '{"error":7}', "IssuerRefused", "error")


def documents() -> dict[str, dict[str, Any]]:
    return {"errors.json": {"now": NOW, "issuer": ISSUER, "cases": list(cases())}}
