"""The model service, which reports; Scout, who uses it; and a way to send a report."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from foundation import clock as the_clock
from passport.signing import keys
from tests.cast import INFER, ISSUER, MODEL, grant, hire, open_account, open_service

SCOPES = ("usage.write", "reports.write")


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 60 * 60


def item(agent: str, /, **members: Any) -> dict[str, Any]:
    """One call that was let through, now; ``members`` replace and add."""
    return {
        "agent": agent, "minute": minute_of(the_clock.now()), "scope": INFER, "units": 1,
        "outcomes": {"allowed": 1}, **members,
    }  # fmt: skip


class Reporting:
    """A service that tells; ``token`` and ``raw`` replace what an honest one sends."""

    def __init__(self, client: Any, service: Any) -> None:
        self.client, self.service = client, service

    def token(self, **claims: Any) -> str:
        now = int(the_clock.now().timestamp())
        content = {
            "iss": ISSUER, "sub": self.service.pk, "client_id": self.service.pk, "aud": f"{ISSUER}/v1",
            "jti": "at_1", "iat": now, "exp": now + 300, "scope": " ".join(SCOPES), **claims,
        }  # fmt: skip
        return keys.active().sign(content, typ="at+jwt")

    def send(self, path: str, content: Any, *, token: str | None = None, raw: bytes | None = None) -> Any:
        return self.client.post(
            path,
            json.dumps(content).encode() if raw is None else raw,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.token()}"},
        )

    def usage(self, *items: dict[str, Any], id: str = "report-1", **how: Any) -> Any:
        return self.send("/v1/usage", {"id": id, "items": list(items)}, **how)

    def accuse(self, id: str = "report-1", **content: Any) -> Any:
        return self.send("/v1/reports", {"id": id, "reason": "spam", **content})


@pytest.fixture
def alices(house):
    return open_account("alice")


@pytest.fixture
def model(house, client):
    service, _ = open_service(MODEL, issuer_scopes=SCOPES)
    return Reporting(client, service)


@pytest.fixture
def scout(alices, model):
    actor = hire(alices, "scout")
    grant(actor, model.service, INFER)
    return actor


@pytest.fixture
def stranger(model):
    """Carol's agent, which never reached the service."""
    return hire(open_account("carol"), "stranger")


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
