"""Marked secrets, tokens and keys through every door, at right places and wrong ones: no log has any of them."""

import base64
import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from passport.api.descriptions import FOLDER, NAMES
from passport.protocol import (
    ACCESS_TOKEN_TYPE,
    CLIENT_CREDENTIALS,
    JWT_BEARER_ASSERTION,
    PASSPORT_TYPE,
    TOKEN_EXCHANGE,
)
from tests.cast import Key
from tests.processes import embedded_server, production
from tests.residents import BOUND, SCOPE, Residents, settle, wait_until_known

pytestmark = pytest.mark.services

PAGES = (
    "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/admin/login/", "/",
    "/accounts/password/reset/key/1-{mark}/", "/accounts/confirm-email/{mark}/", "/a/{mark}/agents/", "/nowhere/{mark}",
)  # fmt: skip


@dataclass
class Visitor:
    """Speaks to one server, and remembers every secret that it sent or got."""

    url: str
    issuer: str
    people: Residents
    log_folder: Path
    known: set[str] = field(default_factory=set)
    opened: int = 0

    def __post_init__(self) -> None:
        self.key = Key(self.people.key)
        self.known |= {self.people.jwk["d"], *(service["secret"] for service in self.people.services)}
        self.known |= {line for line in self.people.pem.splitlines() if not line.startswith("-")}

    def mark(self) -> str:
        """A secret that nobody gave, easily found."""
        made = f"mk{secrets.token_hex(12)}"
        self.known.add(made)
        return made

    def know(self, token: str) -> str:
        self.known.add(token)
        self.known |= {part for part in token.split(".") if len(part) > 40}
        return token

    def proof(self, **claims: str) -> str:
        now = int(time.time())
        return self.know(self.key.proof(url=f"{self.issuer}/oauth/token", iat=now, **claims))

    def assertion(self) -> dict[str, str]:
        now = int(time.time())
        made = self.key.assertion(self.people.agent_id, aud=self.issuer, iat=now, exp=now + 60)
        return {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": self.know(made)}

    def basic(self, number: int = 0) -> str:
        service = self.people.services[number]
        encoded = base64.b64encode(f"{service['id']}:{service['secret']}".encode()).decode()
        self.known.add(encoded)
        return f"Basic {encoded}"

    def post(self, path: str, form: dict[str, Any], **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, data=form, headers=headers, timeout=30)

    def token(self, form: dict[str, Any], **headers: str) -> str:
        answer = self.post("/oauth/token", form, **headers)
        if answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce":
            # A server that started just now does not know what was spent before.
            headers["DPoP"] = self.proof(nonce=answer.headers["DPoP-Nonce"])
            answer = self.post("/oauth/token", form, **headers)
        assert answer.status_code == 200, answer.text
        self.opened += 1
        return self.know(answer.json()["access_token"])


@pytest.fixture(params=["embedded", "production"])
def visitor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visitor]:
    if request.param == "embedded":
        with embedded_server(tmp_path) as server:
            yield Visitor(server.issuer, server.issuer, settle(server.manage), tmp_path)
        return
    issuer = "http://127.0.0.1:1"
    with production(tmp_path, issuer, AP_LOG_LEVEL="DEBUG") as shape:
        yield Visitor(shape.web(), issuer, settle(shape.manage), tmp_path)


def go_through_right_doors(visitor: Visitor) -> dict[str, str]:
    """Every token that can be had, each put to use."""
    wait_until_known(visitor.url, visitor.people, issuer=visitor.issuer)
    passport = visitor.token(
        {"grant_type": CLIENT_CREDENTIALS, "requested_token_type": PASSPORT_TYPE, **visitor.assertion()},
        DPoP=visitor.proof(),
    )
    exchange = {"grant_type": TOKEN_EXCHANGE, "resource": BOUND, "scope": SCOPE}
    token = visitor.token(
        {**exchange, "subject_token": passport, "subject_token_type": PASSPORT_TYPE}, DPoP=visitor.proof()
    )
    own = visitor.token(
        {"grant_type": CLIENT_CREDENTIALS, "resource": f"{visitor.issuer}/v1"}, Authorization=visitor.basic()
    )
    looked_at = visitor.post("/oauth/introspect", {"token": token}, Authorization=visitor.basic())
    assert looked_at.json()["active"] is True
    question = {
        "subject": {"type": "agent", "id": visitor.people.agent_id}, "action": {"name": SCOPE},
        "resource": {"type": "service", "id": BOUND},
    }  # fmt: skip
    asked = httpx.post(
        f"{visitor.url}/access/v1/evaluation", json=question, headers={"Authorization": f"Bearer {own}"}
    )
    assert asked.json()["decision"] is True
    assert visitor.post("/oauth/revoke", {"token": token, **visitor.assertion()}).status_code == 200
    return {"passport": passport, "token": token, "own": own}


def go_wrong_at_the_token_endpoint(visitor: Visitor, tokens: dict[str, str]) -> None:
    """Good things at wrong places, and bad things at right ones."""
    wrong = [
        {"grant_type": TOKEN_EXCHANGE, "subject_token": tokens["own"], "subject_token_type": PASSPORT_TYPE},
        {"grant_type": TOKEN_EXCHANGE, "subject_token": tokens["passport"], "subject_token_type": ACCESS_TOKEN_TYPE},
        {"grant_type": TOKEN_EXCHANGE, "subject_token": tokens["passport"], "subject_token_type": PASSPORT_TYPE},
        {"grant_type": tokens["passport"]}, {"grant_type": visitor.mark(), "scope": tokens["token"]},
        {"grant_type": CLIENT_CREDENTIALS, "client_secret": visitor.mark(), "client_id": visitor.people.agent_id},
        {"grant_type": CLIENT_CREDENTIALS, "resource": f"https://{visitor.mark()}.example", **visitor.assertion()},
        {"grant_type": CLIENT_CREDENTIALS, "scope": visitor.mark(), **visitor.assertion()},
        {"grant_type": CLIENT_CREDENTIALS, "client_id": tokens["token"], **visitor.assertion()},
        {"grant_type": "authorization_code", "code": visitor.mark(), "code_verifier": visitor.mark(),
         "client_id": visitor.people.agent_id, "redirect_uri": f"https://{visitor.mark()}.example/"},
        {"grant_type": "refresh_token", "refresh_token": visitor.mark(), "client_id": visitor.people.agent_id},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": visitor.mark()},
        {tokens["passport"]: visitor.mark()}, {"grant_type": [visitor.mark(), visitor.mark()]},
        {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": visitor.know(tokens["passport"])},
        {"grant_type": CLIENT_CREDENTIALS, "client_assertion": json.dumps(visitor.people.jwk)},
    ]  # fmt: skip
    for form in wrong:
        for headers in (
            {},
            {"DPoP": visitor.proof()},
            {"DPoP": tokens["token"]},
            {"Authorization": visitor.mark()},
        ):
            answer = visitor.post("/oauth/token", form, **headers)
            assert 400 <= answer.status_code < 500, answer.text
    query = {"access_token": tokens["token"], "client_secret": visitor.mark(), "code": visitor.mark()}
    httpx.post(f"{visitor.url}/oauth/token", params=query, data={"grant_type": CLIENT_CREDENTIALS})
    httpx.post(f"{visitor.url}/oauth/token", content=json.dumps(visitor.people.jwk))


def go_to_every_described_door(visitor: Visitor, tokens: dict[str, str]) -> None:
    for name in NAMES:
        for path, operations in yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["paths"].items():
            for method in operations:
                for url in (re.sub(r"{\w+}", visitor.mark(), path), re.sub(r"{\w+}", "1", path)):
                    go_wrong_at(visitor, method, url, tokens)


def go_wrong_at(visitor: Visitor, method: str, path: str, tokens: dict[str, str]) -> None:
    """A secret in each place of a request that could be logged."""
    secrets_and_bodies = (
        (visitor.mark(), "token={0}&a=b", "application/x-www-form-urlencoded"),
        (tokens["token"], '{{"token": "{0}", "{0}": "{0}"}}', "application/json"),
        (tokens["passport"], "{{{0}", "application/json"),
    )
    with httpx.Client(timeout=30) as client:
        for secret, body, kind in secrets_and_bodies:
            headers = {
                "Authorization": f"Bearer {secret}", "DPoP": secret, "Cookie": f"ap_session={secret}; csrftoken={secret}",
                "User-Agent": secret, "Referer": f"https://x.example/?t={secret}", "X-Request-ID": secret + "/",
                "X-Api-Key": secret, "Stripe-Signature": secret, "Webhook-Signature": secret, "Last-Event-ID": secret,
                "X-Forwarded-For": secret, "Accept": secret, "Content-Type": kind,
            }  # fmt: skip
            request = httpx.Request(
                method.upper(), f"{visitor.url}{path}", params={"token": secret, "next": f"/{secret}"},
                headers=headers, content=body.format(secret) if method != "get" else None,
            )  # fmt: skip
            answer = client.send(request, stream=True)
            assert answer.status_code < 500 or answer.status_code in {501, 503}, (path, answer.status_code)
            answer.close()


def go_to_the_pages(visitor: Visitor) -> None:
    """A password where an address belongs, one-time codes in addresses, forms sent without their token."""
    for page in PAGES:
        url = visitor.url + page.format(mark=visitor.mark())
        with httpx.Client(timeout=30) as client:
            shown = client.get(url, headers={"Cookie": f"ap_session={visitor.mark()}"})
            assert shown.status_code < 500
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
            form = {
                "csrfmiddlewaretoken": token.group(1) if token else visitor.mark(),
                "login": visitor.mark(), "email": f"{visitor.mark()}@x.example", "password": visitor.mark(),
                "password1": visitor.mark(), "password2": visitor.mark(), "username": visitor.mark(),
                "code": visitor.mark(),
            }  # fmt: skip
            assert client.post(url, data=form, headers={"Referer": url}).status_code < 500


def logs(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*.log"):
        yield path, path.read_text(errors="replace")


def test_no_marked_secret_token_or_key_is_in_any_log(visitor: Visitor) -> None:
    tokens = go_through_right_doors(visitor)
    assert visitor.opened == 3
    go_wrong_at_the_token_endpoint(visitor, tokens)
    go_to_every_described_door(visitor, tokens)
    go_to_the_pages(visitor)
    read = dict(logs(visitor.log_folder))
    assert any("oauth_refused" in text for text in read.values()), "the logs were read"
    found = {
        (path.name, secret[:24], line[:300])
        for path, text in read.items()
        for line in text.splitlines()
        for secret in visitor.known
        if secret in line
    }
    assert found == set()
