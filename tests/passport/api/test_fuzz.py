"""Whatever is sent to whatever is described: no failure of ours, no status and no shape that is not described.

Calls are made from the descriptions, right ones and wrong ones, with and without good credentials,
proofs, tokens and targets laid over. ``AP_FUZZ_CALLS`` says how many in all (`make soak`: 100,000).
"""

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
import yaml
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS as KNOWN_CHECKS
from schemathesis.checks import load_all_checks

from foundation import clock
from passport.agents.models import OpenClient
from passport.api.descriptions import FOLDER, NAMES
from passport.credentials.pairwise import pairwise_id
from passport.protocol import (
    ACCESS_TOKEN_TYPE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER_ASSERTION,
    PASSPORT_TYPE,
    TOKEN_EXCHANGE,
)
from passport.restrictions.publish import publish
from passport.services.models import Service
from tests.cast import (
    INFER,
    ISSUER,
    MODEL,
    SANDBOX,
    Actor,
    Key,
    TokenEndpoint,
    claims_of,
    grant,
    granted,
    open_service,
)  # fmt: skip
from tests.passport.oauth.consenting import Person
from tests.passport.oauth.managing import CommandLine, allows, join, with_factor

load_all_checks()
CHECKS = KNOWN_CHECKS.get_by_names(
    [
        "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance",
    ]
)  # fmt: skip
CALLS = int(os.environ.get("AP_FUZZ_CALLS", "5000"))
NOT_IMPLEMENTED = 501
"""How the Token Status List wants old lists refused (SL-01)."""
STREAMED = {"GET /v1/events"}
"""Answered by the ASGI server alone (tests/passport/events)."""
WEIGHT = {"POST /oauth/token": 6, "POST /oauth/introspect": 3, "POST /oauth/revoke": 3}
"""Where most can go wrong, most is tried."""
FITTING = {
    "POST /oauth/token": (
        "credentials", "a passport", "an exchange", "a narrower token", "a service's own token",
        "a holder's word",
    ),
    "POST /oauth/introspect": ("a look at a token", "a holder's word"),
    "POST /oauth/revoke": ("a holder's word", "a look at a token"),
    "POST /access/v1/evaluation": ("a question", "a block", "nothing but credentials"),
    "POST /access/v1/evaluations": ("questions", "a question", "nothing but credentials"),
    "POST /v1/limits/blocks": ("a block", "a question", "nothing but credentials"),
    "POST /v1/usage": ("usage", "nothing but credentials"),
    "POST /v1/reports": ("an accusation", "nothing but credentials"),
}  # fmt: skip


MANAGED = {
    "POST /v1/agents": "manage an agent", "PATCH /v1/agents/{agent_id}": "manage a name",
    "POST /v1/agents/{agent_id}/keys": "manage a key",
    "PUT /v1/agents/{agent_id}/grants/{service_id}": "manage scopes", "POST /v1/services": "manage a service",
    "PUT /v1/services/{service_id}/keys": "manage keys",
}  # fmt: skip
"""What a good body is, where one is read."""


def is_managing(label: str) -> bool:
    tags = OPERATIONS[label].definition.raw.get("security") or []
    return any("person_token" in one for one in tags)


def fitting(label: str) -> tuple[str, ...]:
    if is_managing(label):
        return (MANAGED.get(label, "manage"), "manage")
    return FITTING.get(label, ())


def load(name: str) -> Any:
    schema = schemathesis.openapi.from_dict(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))
    schema.app = get_wsgi_application()
    return schema


def operations() -> Iterator[Any]:
    for name in NAMES:
        for found in load(name).get_all_operations():
            operation = found.ok()
            if operation.label not in STREAMED:
                yield operation


OPERATIONS = {operation.label: operation for operation in operations()}
SHARE = CALLS / sum(WEIGHT.get(label, 1) for label in OPERATIONS)


@dataclass
class Insider:
    """Has everything that a good request needs."""

    scout: Actor
    service_id: str
    secret: str
    audience: str
    service_token: str
    passport: str
    access_token: str
    manager_token: str = ""
    """Of a person who manages the scout's account; where such a token is asked for."""

    def places(self) -> dict[str, str]:
        """What good paths name."""
        return {
            "agent_id": self.scout.id, "service_id": self.service_id, "key_id": self.scout.row.pk,
            "jti": claims_of(self.passport)["jti"],
        }  # fmt: skip

    def managing(self, **body: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"Authorization": f"Bearer {self.manager_token}"}, body

    def stories(self) -> dict[str, Callable[[], tuple[dict[str, str], dict[str, Any]]]]:
        """Good requests, each as headers and body."""
        return {
            "credentials": lambda: (
                {},
                {"grant_type": CLIENT_CREDENTIALS, "resource": MODEL, **self.signed_in()},
            ),
            "a passport": lambda: (
                self.proven(),
                {"grant_type": CLIENT_CREDENTIALS, "requested_token_type": PASSPORT_TYPE, **self.signed_in()},
            ),
            "an exchange": lambda: (self.proven(), self.exchanged(self.passport, PASSPORT_TYPE)),
            "a narrower token": lambda: (self.proven(), self.exchanged(self.access_token, ACCESS_TOKEN_TYPE)),
            "a service's own token": lambda: (
                self.by_secret(),
                {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1"},
            ),
            "a look at a token": lambda: (self.by_secret(), {"token": self.access_token}),
            "a holder's word": lambda: ({}, {"token": self.passport, **self.signed_in()}),
            "a question": lambda: (self.bearing(), self.question()),
            "questions": lambda: (self.bearing(), {"evaluations": [self.question(), {}], **self.question()}),
            "a block": lambda: (self.bearing(), {"sub": self.scout.id, "scope": INFER, "units": 1}),
            "usage": lambda: (self.bearing(), self.usage()),
            "an accusation": lambda: (
                self.bearing(),
                {
                    "id": "report-1",
                    "account": pairwise_id(self.scout.account.pk, self.audience),
                    "reason": "spam",
                },
            ),
            "nothing but credentials": lambda: (self.bearing(), {}),
            "manage": self.managing,
            "manage an agent": lambda: self.managing(name="a", environment=SANDBOX, jwk=Key().jwk),
            "manage a name": lambda: self.managing(name="b", purpose="c"),
            "manage a key": lambda: self.managing(jwk=Key().jwk),
            "manage scopes": lambda: self.managing(scopes=[INFER]),
            "manage keys": lambda: self.managing(keys=[Key().jwk]),
            "manage a service": lambda: self.managing(
                name="Echo",
                audience=f"https://{secrets.token_hex(4)}.example",
                environment=SANDBOX,
                scopes=[{"name": "echo:read", "description": "hear"}],
            ),
        }

    def signed_in(self) -> dict[str, str]:
        return {
            "client_assertion_type": JWT_BEARER_ASSERTION,
            "client_assertion": self.scout.key.assertion(self.scout.id),
        }

    def proven(self) -> dict[str, str]:
        return {"DPoP": self.scout.key.proof()}

    def by_secret(self) -> dict[str, str]:
        basic = base64.b64encode(f"{self.service_id}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {basic}"}

    def bearing(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.service_token}"}

    def exchanged(self, token: str, kind: str) -> dict[str, str]:
        return {
            "grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": kind,
            "resource": MODEL, "scope": INFER,
        }  # fmt: skip

    def question(self) -> dict[str, Any]:
        return {
            "subject": {"type": "agent", "id": self.scout.id}, "action": {"name": INFER},
            "resource": {"type": "service", "id": self.audience}, "context": {"cost": 1},
        }  # fmt: skip

    def usage(self) -> dict[str, Any]:
        minute = int(clock.now().timestamp()) // 60 * 60
        item = {"agent": self.scout.id, "minute": minute, "scope": INFER, "outcomes": {"allowed": 1}}
        return {"id": f"report-{minute}", "items": [item]}


def tell(case: Any, story: tuple[dict[str, str], dict[str, Any]], kept: frozenset[int]) -> None:
    """Send the story instead, with some members of what was generated laid over it."""
    headers, body = story
    case.headers.update(headers)
    if isinstance(case.body, dict):
        generated = dict(case.body)
        laid_over = {name: value for place, (name, value) in enumerate(generated.items()) if place in kept}
        case.body = {**body, **laid_over}


@pytest.fixture
def insider(endpoint, scout, model, scouts_passport) -> Iterator[Insider]:
    scopes = ("events.read", "decisions.evaluate", "usage.write", "reports.write")
    service, secret = open_service("https://asking.example", issuer_scopes=scopes)
    grant(scout, service, INFER)
    basic = base64.b64encode(f"{service.id}:{secret}".encode()).decode()
    own = endpoint.post(
        {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1"}, HTTP_AUTHORIZATION=f"Basic {basic}"
    )
    token = granted(endpoint.exchange(scouts_passport, key=scout.key))
    publish()  # Until a list is first signed, it is refused with 503 (SL-01).
    keep_connection()
    yield Insider(scout, service.id, secret, service.audience, granted(own), scouts_passport, token)
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


def named_in(label: str, places: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in places.items() if f"{{{name}}}" in label}


def log_in(insider: Insider) -> str:
    """A person of the scout's account, by a program whose tokens are bound to no key."""
    program = OpenClient.objects.create(
        name="Desk", redirect_uris="", grant_types=DEVICE_CODE, created_at=clock.now()
    )
    Service.objects.filter(pk=insider.service_id).update(account=insider.scout.account)
    person = with_factor(join(Person(), insider.scout.account))
    terminal = CommandLine(TokenEndpoint(Client()), client_id=program.client_id)
    said = terminal.asks(proven=False).json()
    allows(person, said["user_code"], insider.scout.account.pk)
    token = granted(terminal.polls(said["device_code"], proven=False))
    keep_connection()
    return token


def keep_connection() -> None:
    """As in Django's own test client, which turns it on again: the test's connection outlives a request."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)


def cases(operation: Any) -> st.SearchStrategy[Any]:
    return st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_call_meets_a_failure_or_an_answer_that_is_not_described(label, insider) -> None:
    operation, stories = OPERATIONS[label], insider.stories()
    if is_managing(label):
        insider.manager_token = log_in(insider)

    @settings(
        max_examples=max(20, round(SHARE * WEIGHT.get(label, 1))), deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    @given(
        case=cases(operation),
        story=st.sampled_from(["", *fitting(label)]),
        kept=st.frozensets(st.integers(0, 9)),
    )
    def send(case: Any, story: str, kept: frozenset[int]) -> None:
        case.headers = case.headers if case.headers is not None else {}
        if story:
            tell(case, stories[story](), kept)
        if story.startswith("manage"):
            case.path_parameters = {**(case.path_parameters or {}), **named_in(label, insider.places())}
        if "provider_name" in (case.path_parameters or {}) and kept:
            case.path_parameters["provider_name"] = "sandbox"
        response = case.call()
        assert response.status_code < 500 or response.status_code == NOT_IMPLEMENTED
        case.validate_response(response, checks=CHECKS)

    send()
