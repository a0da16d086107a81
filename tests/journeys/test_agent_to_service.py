"""Steps 4 to 6 of the story between three processes: agent, issuer, service. Told in order, on one server."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from agent_passport import Agent, AgentAuth, AgentKey, IssuerRefused
from tests.journeys.processes import ExampleService, Issuer

pytestmark = pytest.mark.services

ALGS = 'algs="ES256 EdDSA Ed25519"'
INVALID_TOKEN = (401, f'DPoP error="invalid_token", {ALGS}')
INVALID_PROOF = (401, f'DPoP error="invalid_dpop_proof", {ALGS}')
INVALID_REQUEST = (400, f'DPoP error="invalid_request", {ALGS}')
RESTRICTIONS = """
from foundation import clock
from passport.fields import Effect
from passport.restrictions.place import lift, place
from passport.restrictions.subjects import Subject, SubjectRef
"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = Issuer(tmp_path_factory.mktemp("issuer"))
    made.serve()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def demo(issuer: Issuer) -> dict[str, Any]:
    return issuer.demo()


@pytest.fixture(scope="module")
def service(
    issuer: Issuer, demo: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExampleService]:
    made = ExampleService(tmp_path_factory.mktemp("service"), issuer.url, demo["services"][0])
    made.serve()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def agents(issuer: Issuer, demo: dict[str, Any]) -> Iterator[list[Agent]]:
    made = [
        Agent(issuer.url, agent["client_id"], AgentKey.from_jwk(agent["private_jwk"]))
        for agent in demo["agents"]
    ]
    yield made
    for agent in made:
        agent.close()


def client(agent: Agent, service: ExampleService, scope: str) -> httpx.Client:
    return httpx.Client(auth=AgentAuth(agent, service.audience, scope), base_url=service.url)


def test_an_agent_gets_its_passport_exchanges_it_and_is_served(
    service: ExampleService, agents: list[Agent]
) -> None:
    with client(agents[0], service, "echo:read") as alice:
        answer = alice.get("/echo", params={"say": "hello"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["say"] == "hello"
    assert answer.json()["agent"] == agents[0].client_id
    assert "RateLimit" in answer.headers


class Forger:
    """Has a good token, and bends what goes with it."""

    def __init__(self, agent: Agent, service: ExampleService) -> None:
        self.key, self.url = agent.key, f"{service.url}/echo"
        self.slowest_seconds = 0.0
        self.token = agent.token(service.audience, "echo:read").value

    def proof(self, key: AgentKey | None = None, **changes: Any) -> str:
        key = key or self.key
        ath = base64.urlsafe_b64encode(hashlib.sha256(self.token.encode()).digest()).rstrip(b"=").decode()
        claims = {
            "jti": secrets.token_hex(8),
            "htm": "GET",
            "htu": self.url,
            "iat": int(time.time()),
            "ath": ath,
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        private = jwt.PyJWK(key.private_jwk() | {"alg": key.alg}).key
        return jwt.encode(
            claims, private, algorithm=key.alg, headers={"typ": "dpop+jwt", "jwk": key.public_jwk}
        )

    def send(
        self, proof: str | None, *, token: str = "", scheme: str = "DPoP", query: str = ""
    ) -> httpx.Response:
        headers = {"Authorization": f"{scheme} {token or self.token}"}
        return httpx.get(self.url + query, headers=headers | ({"DPoP": proof} if proof else {}))

    def is_served(self) -> bool:
        begin = time.monotonic()
        served = self.send(self.proof()).status_code == 200
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - begin)
        return served

    def with_claims(self, **changes: Any) -> str:
        header, claims, signature = self.token.split(".")
        padded = claims + "=" * (-len(claims) % 4)
        bent = json.loads(base64.urlsafe_b64decode(padded)) | changes
        encoded = base64.urlsafe_b64encode(json.dumps(bent).encode()).rstrip(b"=").decode()
        return f"{header}.{encoded}.{signature}"


def test_with_the_issuer_stopped_the_good_are_served_and_each_forgery_gets_its_error(
    issuer: Issuer, service: ExampleService, agents: list[Agent]
) -> None:
    forger = Forger(agents[0], service)
    passport = agents[0].passport().value
    issuer.stop()
    try:
        with client(agents[0], service, "echo:read") as alice:
            assert alice.get("/echo").status_code == 200
        used = forger.proof()
        assert forger.send(used).status_code == 200
        refused = {
            "replayed": (forger.send(used), INVALID_PROOF),
            "no proof": (forger.send(None), INVALID_TOKEN),
            "as bearer": (forger.send(forger.proof(), scheme="Bearer"), INVALID_TOKEN),
            "another key": (forger.send(forger.proof(AgentKey.generate())), INVALID_TOKEN),
            "no ath": (forger.send(forger.proof(ath=None)), INVALID_PROOF),
            "another method": (forger.send(forger.proof(htm="POST")), INVALID_PROOF),
            "another host": (forger.send(forger.proof(htu="https://evil.example/echo")), INVALID_PROOF),
            "another audience": (
                forger.send(forger.proof(), token=forger.with_claims(aud="x")),
                INVALID_TOKEN,
            ),
            "a longer life": (
                forger.send(forger.proof(), token=forger.with_claims(exp=2**40)),
                INVALID_TOKEN,
            ),
            "more scope": (
                forger.send(forger.proof(), token=forger.with_claims(scope="root")),
                INVALID_TOKEN,
            ),
            "the passport itself": (forger.send(forger.proof(), token=passport), INVALID_TOKEN),
            "in the query": (forger.send(forger.proof(), query="?access_token=x"), INVALID_REQUEST),
        }
        answered = {name: (r.status_code, r.headers["WWW-Authenticate"]) for name, (r, _) in refused.items()}
        assert answered == {name: wanted for name, (_, wanted) in refused.items()}
    finally:
        issuer.serve()


def test_a_service_that_restarts_while_the_issuer_is_away_goes_on(
    issuer: Issuer, service: ExampleService, agents: list[Agent]
) -> None:
    with client(agents[0], service, "echo:read") as alice:
        assert alice.get("/echo").status_code == 200
        issuer.stop()
        try:
            service.stop()
            service.serve(live=False)
            assert alice.get("/echo").status_code == 200
        finally:
            issuer.serve()


def test_the_limit_holds_for_scope_agent_and_account(service: ExampleService, agents: list[Agent]) -> None:
    deadline = time.monotonic() + 30
    while not service.health()["live"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    first, second = (client(agent, service, "echo:read model:infer") for agent in agents)
    with first, second:
        answers = [first.post("/infer", json={"prompt": "x"}) for _ in range(21)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        over = answers[-1]
        assert 1 <= int(over.headers["Retry-After"]) <= 180
        assert over.headers["RateLimit-Policy"].startswith('"hour";q=20;w=3600')
        assert over.headers["RateLimit"].startswith('"hour";r=0')
        assert over.headers["Content-Type"] == "application/problem+json"
        assert first.get("/echo").status_code == 200
        # The account has thirty between its two agents; a unit comes back every two minutes.
        shared = [second.post("/infer", json={"prompt": "x"}).status_code for _ in range(12)]
        assert shared.count(200) in (9, 10, 11)
        assert shared[-1] == 429


def test_what_is_suspended_is_refused_within_a_second_and_works_again_when_lifted(
    issuer: Issuer, service: ExampleService, agents: list[Agent]
) -> None:
    scout, courier = (Forger(agent, service) for agent in agents)
    assert scout.is_served()
    with ThreadPoolExecutor(1) as pool:
        refused_at = pool.submit(wait_for, lambda: not scout.is_served(), 240)
        committed_at = float(issuer.run(RESTRICTIONS + PLACE.format(agent=agents[0].client_id)))
        # One second is the bound; on a machine that is busy a call alone takes its time.
        assert refused_at.result() - committed_at < 1.0 + scout.slowest_seconds
    assert courier.is_served()
    with client(agents[0], service, "echo:read") as alice, pytest.raises(IssuerRefused):
        alice.get("/echo")
    issuer.run(RESTRICTIONS + LIFT)
    wait_for(scout.is_served)


PLACE = """
import time
from passport.agents.models import Agent
agent = Agent.objects.get(client_id="{agent}")
place([SubjectRef(Subject.AGENT, agent.client_id, agent.account_id)], effect=Effect.SUSPEND,
      reason="abuse", actor="system:test", now=clock.now())
print(time.time())
"""
LIFT = """
from passport.restrictions.models import Restriction
ids = list(Restriction.objects.filter(lifted_at=None).values_list("pk", flat=True))
lift(ids, actor="system:test", now=clock.now(), reason="undone")
"""


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> float:
    """The time at which it came about."""
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.02)
    return time.time()
