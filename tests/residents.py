"""Alice's agent and two services inside a server process: made by a program that the server's shell runs."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from passport.jose.keys import jwk_of
from passport.protocol import CLIENT_CREDENTIALS, JWT_BEARER_ASSERTION
from tests.cast import Key

BOUND, OPEN = "https://bound.example", "https://open.example"
"""Audiences: one asks for key-bound tokens, the other takes Bearer too."""
SCOPE = "model:infer"
PROGRAM = """
import base64
import json
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from passport.signing.keys import ensure_keys
from tests.cast import grant, hire, open_account, open_service

ensure_keys()
agent = hire(open_account("alice"), "scout")
services = []
for audience, bound in (("https://bound.example", True), ("https://open.example", False)):
    service, secret = open_service(audience, bound=bound)
    grant(agent, service, "model:infer", "model:embed")
    services.append({"id": service.id, "audience": audience, "secret": secret})
pem = agent.key.handle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
print("RESIDENTS " + json.dumps({"agent": agent.id, "pem": pem, "services": services}))
"""


@dataclass(frozen=True)
class Residents:
    agent_id: str
    pem: str
    services: list[dict[str, str]]

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        loaded = serialization.load_pem_private_key(self.pem.encode(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        return loaded

    @property
    def jwk(self) -> dict[str, str]:
        """With the private member."""
        number = self.key.private_numbers().private_value.to_bytes(32, "big")
        return {**jwk_of(self.key.public_key()), "d": base64url(number)}

    def as_json(self) -> dict[str, Any]:
        return {"agent": self.agent_id, "jwk": self.jwk, "services": self.services, "scope": SCOPE}


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def settle(manage: Callable[..., CompletedProcess[str]]) -> Residents:
    """``manage`` runs a management command of that server."""
    done = manage("shell", "-v0", "-c", PROGRAM)
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESIDENTS "))
    made = json.loads(line.removeprefix("RESIDENTS "))
    return Residents(made["agent"], made["pem"], made["services"])


def wait_until_known(url: str, residents: Residents, *, issuer: str, seconds: float = 120) -> None:
    """Until a server that began a moment ago can tell new assertions from used ones.

    Asks as a client without a proof does: again after ``Retry-After``, with a new assertion.
    """
    deadline = time.monotonic() + seconds
    while (answer := ask_by_assertion(url, residents, issuer)).status_code == 503:
        assert time.monotonic() < deadline, answer.text
        time.sleep(int(answer.headers["Retry-After"]))
    assert answer.status_code == 200, answer.text


def ask_by_assertion(url: str, residents: Residents, issuer: str) -> httpx.Response:
    now = int(time.time())
    form = {
        "grant_type": CLIENT_CREDENTIALS, "resource": OPEN, "scope": SCOPE,
        "client_assertion_type": JWT_BEARER_ASSERTION,
        "client_assertion": Key(residents.key).assertion(residents.agent_id, aud=issuer, iat=now, exp=now + 60),
    }  # fmt: skip
    return httpx.post(f"{url}/oauth/token", data=form, timeout=30)
