"""The model service with Scout as its caller, and a receiver of events that answers as it is told."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from foundation import clock as the_clock
from foundation.jobs.outbox import run_due
from foundation.ledger.sequence import sequence
from foundation.outbound.client import Fetched, OutboundError
from passport.credentials.models import IssueRecord
from passport.events.ssf import push, reader
from passport.jose.signatures import generate
from passport.services.models import Service
from passport.signing import keys, life
from tests.cast import ISSUER, MODEL, Actor, claims_of

EVENTS_KEY = generate("RS256")
ENDPOINT = "https://localhost:4443/events"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
SCOPES = "ssf.read ssf.manage"


def token_of(service: Service, scope: str = SCOPES) -> str:
    now = int(the_clock.now().timestamp())
    claims = {
        "iss": ISSUER, "sub": service.pk, "client_id": service.pk, "aud": f"{ISSUER}/v1",
        "jti": f"at_{service.pk}", "iat": now, "exp": now + 300, "scope": scope,
    }  # fmt: skip
    return keys.active().sign(claims, typ="at+jwt")


def has_seen(actor: Actor, audience: str = MODEL) -> None:
    """``actor`` once got a token for the service."""
    now = the_clock.now()
    IssueRecord.objects.create(
        jti=f"at_{actor.id}_{audience}", root=actor.id, account_id=actor.account.id, agent=actor.id,
        audience=audience, scopes="model:infer", issued_at=now, expires_at=now + timedelta(minutes=5),
    )  # fmt: skip


def tell() -> None:
    """Number what was committed, and read it."""
    sequence()
    reader.tell()


class Receiver:
    """What a service does with its streams: calls our door, and is called at its own."""

    def __init__(self, client: Any, service: Service) -> None:
        self.client = client
        self.service = service
        self.answer: Fetched | OutboundError | Callable[[dict[str, Any]], Fetched] = Fetched(202, {}, b"")
        self.got: list[dict[str, Any]] = []
        """The claims of all that was pushed, refused or not."""
        self.calls: list[Any] = []

    def call(self, method: str, path: str, content: Any = None, **headers: str) -> Any:
        body = b"" if content is None else json.dumps(content)
        headers = {"Authorization": f"Bearer {token_of(self.service)}", **headers}
        return self.client.generic(method, path, body, content_type="application/json", headers=headers)

    def open(self, **members: Any) -> str:
        sequence()
        answer = self.call("POST", "/ssf/streams", members)
        assert answer.status_code == 201, answer.content
        return answer.json()["stream_id"]

    def open_push(self, **more: Any) -> str:
        return self.open(delivery={"method": PUSH, "endpoint_url": ENDPOINT, **more})

    def poll(self, stream_id: str, **asked: Any) -> Any:
        answer = self.call("POST", f"/ssf/poll/{stream_id}", asked)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def fetch(self, method: str, url: str, *, headers: Any, body: bytes, limits: Any) -> Fetched:
        claims = claims_of(body.decode())
        self.calls.append(SimpleNamespace(method=method, url=url, headers=headers, body=body.decode()))
        self.got.append(claims)
        if isinstance(self.answer, OutboundError):
            raise self.answer
        return self.answer(claims) if callable(self.answer) else self.answer

    @property
    def kinds(self) -> list[str]:
        return [kind_of(claims) for claims in self.got]


def kind_of(claims: dict[str, Any]) -> str:
    (uri,) = claims["events"]
    return uri.rpartition("/")[2]


def refusing(code: str) -> Fetched:
    return Fetched(400, {}, json.dumps({"err": code, "description": "no"}).encode())


@pytest.fixture
def receiver(
    house: None, client: Any, model: Service, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Receiver:
    life.add("events", "RS256", "active", EVENTS_KEY, actor="system:tests", now=the_clock.now())
    keys.forget()
    model.issuer_scopes = SCOPES
    model.save()
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost:4443"]
    made = Receiver(client, model)
    monkeypatch.setattr(push, "fetch", made.fetch)
    return made


@pytest.fixture
def travel(clock: Any) -> Callable[..., None]:
    """Let time pass, and the ledger reach the receivers."""

    def go(**span: float) -> None:
        clock.forward(**span)
        tell()
        push.wake()
        run_due()

    return go
