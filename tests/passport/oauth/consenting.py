"""A person in a browser and a client that asks them: the steps of the code grant, one function each."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client

from accounts.people.models import User
from foundation import clock
from passport.agents.models import Agent
from passport.agents.registration import set_redirect_uris
from passport.protocol import AUTHORIZATION_CODE, REFRESH_TOKEN
from tests.cast import INFER, MODEL, Actor, TokenEndpoint
from tests.people import browser

REDIRECT = "https://client.example/cb"
VERIFIER = "v" * 43 + "-._~"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def ask(client_id: str, **more: Any) -> str:
    """The path of an authorization request; ``more`` replaces or adds, None leaves out."""
    said = {
        "response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT, "scope": INFER, "state": "s-1",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "resource": MODEL,
    }  # fmt: skip
    kept = {name: value for name, value in (said | more).items() if value is not None}
    return f"/oauth/authorize?{urlencode(kept, doseq=True)}"


def let_ask(actor: Actor, *uris: str, application_type: str = "web", public: bool = False) -> Actor:
    """Give an agent redirect URIs, so that it may ask people; ``public`` takes its authentication away."""
    set_redirect_uris(
        actor.agent,
        uris or [REDIRECT],
        application_type=application_type,
        actor="user:usr_alice",
        now=clock.now(),
    )
    if public:
        Agent.objects.filter(pk=actor.agent.pk).update(client_type=Agent.CLIENT_PUBLIC)
    return actor


def change(actor: Actor, **fields: Any) -> None:
    Agent.objects.filter(pk=actor.agent.pk).update(**fields)


@dataclass
class Person:
    """Somebody signed in, with a browser."""

    email: str = "dora@people.example"
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.user = User.objects.create(email=self.email)
        self.client = browser(self.user)

    def decides(self, path: str, decision: str = "approve") -> Any:
        """Open the page and answer it."""
        page = self.client.get(path)
        assert page.status_code == 200, page.content
        return self.client.post(path, {"decision": decision, "shown": page.context["shown"]})

    def gives_code(self, path: str) -> str:
        return sent_back(self.decides(path))["code"]


def sent_back(answer: Any) -> dict[str, str]:
    """What the redirect takes to the client."""
    assert answer.status_code == 303, answer.content
    parts = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}


@dataclass
class Tokens:
    """Redeems codes and refresh tokens for one agent."""

    endpoint: TokenEndpoint
    actor: Actor
    public: bool = False

    def _form(self, said: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        own = {"client_id": self.actor.id} if self.public else self.actor.authenticated()
        return {name: value for name, value in ({**own, **said} | more).items() if value is not None}

    def redeem(self, code: str, *, proof: str | None = None, **more: Any) -> Any:
        said = {
            "grant_type": AUTHORIZATION_CODE,
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self.endpoint.post(self._form(said, more), proof=proof)

    def refresh(self, token: str, *, proof: str | None = None, **more: Any) -> Any:
        said = {"grant_type": REFRESH_TOKEN, "refresh_token": token}
        return self.endpoint.post(self._form(said, more), proof=proof)
