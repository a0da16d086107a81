"""How the protocol endpoints are asked, and by whom."""

import base64
import json
import os
import time
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from foundation import clock
from passport.agents.keys import parse_public_jwk
from passport.agents.registration import register_agent
from passport.protocol import JWT_BEARER_ASSERTION
from passport.services.registration import ScopeSpec, create_service
from tests.passport import population
from tests.passport.crafting import ALICE, TestKey, b64, jws

ISSUER = "https://passport.test"
MODEL = "https://model.test/v1"


def agent_of(owner: str, key: TestKey) -> Any:
    return register_agent(
        account_id=population.account(owner).id,
        name=f"{owner}'s agent",
        purpose="",
        software="",
        environment="sandbox",
        key=parse_public_jwk(key.jwk),
        actor=f"user:usr_{owner}",
        now=clock.now(),
    )


def service_at(audience: str) -> Any:
    """The service and its secret."""
    return create_service(
        account_id=None, name="Model", audience=audience, environment="sandbox",
        scopes=[ScopeSpec("model:infer", "Infer")], issuer_scopes=["events.read"], actor="user:usr_1", now=clock.now(),
    )  # fmt: skip


def now() -> int:
    return int(time.time())


class Door:
    """Posts forms to one endpoint."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.client = Client()

    def post(self, form: Any = "", **headers: str) -> Any:
        """``form`` is a mapping, a list of pairs, or the body itself."""
        body = form if isinstance(form, str | bytes) else urlencode(form)
        return self.client.generic(
            "POST", self.path, body, content_type=headers.pop("content_type", "application/x-www-form-urlencoded"),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def assertion(
    client_id: str, key: TestKey = ALICE, *, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    said = {
        "iss": client_id, "sub": client_id, "aud": ISSUER, "jti": b64(os.urandom(12)),
        "iat": now(), "exp": now() + 60, **claims,
    }  # fmt: skip
    return jws(key, {k: v for k, v in said.items() if v is not None}, header=header)


def signed_in(signed: str, /, **more: Any) -> dict[str, Any]:
    return {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": signed, **more}


def refused(response: Any, status: int, error: str) -> dict[str, Any]:
    """The refusal's body, after checking that it is one."""
    body = json.loads(response.content)
    assert (response.status_code, body["error"]) == (status, error), body
    assert response["Cache-Control"] == "no-store"
    assert set(body["error_description"]) <= {chr(c) for c in range(0x20, 0x7F)} - {'"', "\\"}
    assert body["error_uri"].startswith(f"{ISSUER}/docs/errors#")
    return body
