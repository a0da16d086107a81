"""Calls the management API as a tool does: a token bound to a key, a fresh proof with each call."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from tests.cast import ISSUER, Key
from tests.passport.oauth.consenting import Person


@dataclass
class Api:
    token: str
    key: Key
    person: Person

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        more = {"data": body, "content_type": "application/json"} if body is not None else {}
        return Client().generic(
            method, path, **encoded(more), headers={**self.proven(method, path.partition("?")[0]), **headers}
        )

    def proven(self, method: str, path: str) -> dict[str, str]:
        digest = hashlib.sha256(self.token.encode()).digest()
        ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        proof = self.key.proof(method=method, url=f"{ISSUER}{path}", ath=ath)
        return {"Authorization": f"DPoP {self.token}", "DPoP": proof}

    def registers(self, name: str = "scout", **more: Any) -> dict[str, Any]:
        answer = self("POST", "/v1/agents", {**an_agent(name), **more})
        assert answer.status_code == 201, answer.content
        return answer.json()


def encoded(more: dict[str, Any]) -> dict[str, Any]:
    data = more.get("data")
    return {**more, "data": data if isinstance(data, str | bytes) else json.dumps(data)} if more else {}


def an_agent(name: str = "scout", key: Key | None = None) -> dict[str, Any]:
    return {"name": name, "purpose": "reads papers", "environment": "sandbox", "jwk": (key or Key()).jwk}


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """Check that it is this refusal; gives it."""
    body = answer.json()
    assert answer.status_code == status, body
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert body["type"] == (kind if ":" in kind else f"{ISSUER}/docs/errors#{kind}"), body
    assert {"title", "status", "detail"} <= set(body)
    return body
