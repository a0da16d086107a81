"""AgentAuth under httpx, both clients, against a service that answers what the test says."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator

import httpx
import jwt
import pytest

from agent_passport import Agent, AgentAuth, ConfigurationError, PassportRefused, _retry
from tests.sdk.encoding import b64
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE

Answers = list[tuple[int, dict[str, str]]]
Call = Callable[..., httpx.Response]


class Service:
    def __init__(self) -> None:
        self.answers: Answers = []
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(httpx.Request(request.method, request.url, headers=request.headers))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        return httpx.Response(status, headers=headers)

    def proof(self, number: int) -> dict[str, object]:
        return jwt.decode(self.seen[number].headers["DPoP"], options={"verify_signature": False})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, agent: Agent, service: Service) -> Iterator[Call]:
    auth = AgentAuth(agent, AUDIENCE, "echo:read")
    transport = httpx.MockTransport(service)

    def call_sync(method: str, url: str, **options: object) -> httpx.Response:
        with httpx.Client(auth=auth, transport=transport) as client:
            return client.request(method, url, **options)

    async def call_async(method: str, url: str, **options: object) -> httpx.Response:
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            return await client.request(method, url, **options)

    if request.param == "sync":
        yield call_sync
    else:
        yield lambda *args, **options: asyncio.run(call_async(*args, **options))


def challenge(error: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'DPoP error="{error}", algs="ES256 EdDSA Ed25519"'}


def test_a_request_carries_token_and_proof(call: Call, service: Service) -> None:
    assert call("POST", "https://infer.example/v1/infer?x=1#y").status_code == 200
    assert service.seen[0].headers["Authorization"] == "DPoP access-1"
    proof = service.proof(0)
    assert (proof["htm"], proof["htu"]) == ("POST", "https://infer.example/v1/infer")
    assert proof["ath"] == b64(hashlib.sha256(b"access-1").digest())


def test_the_nonce_of_a_service_is_used_at_once_and_from_then_on(call: Call, service: Service) -> None:
    service.answers = [(401, challenge("use_dpop_nonce") | {"DPoP-Nonce": "n1"})]
    assert call("GET", "https://infer.example/echo").status_code == 200
    call("GET", "https://infer.example/echo")
    assert [service.proof(number).get("nonce") for number in range(3)] == [None, "n1", "n1"]


def test_a_token_refused_before_its_time_is_exchanged_anew(call: Call, service: Service) -> None:
    service.answers = [(401, challenge("invalid_token"))]
    assert call("GET", "https://infer.example/echo").status_code == 200
    assert [seen.headers["Authorization"] for seen in service.seen] == ["DPoP access-1", "DPoP access-2"]


def test_a_service_that_goes_on_refusing_is_believed(call: Call, service: Service) -> None:
    service.answers = [(401, challenge("invalid_token"))] * 5
    assert call("GET", "https://infer.example/echo").status_code == 401
    assert len(service.seen) == 2


def test_when_the_issuer_is_away_the_refusal_of_the_service_stands(
    call: Call, service: Service, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("GET", "https://infer.example/echo")
    issuer.stop()
    monkeypatch.setattr(_retry, "ATTEMPTS", 1)
    service.answers = [(401, challenge("invalid_token"))]
    assert call("GET", "https://infer.example/echo").status_code == 401


def test_an_agent_that_was_stopped_learns_why_from_the_issuer(
    call: Call, service: Service, issuer: FakeIssuer
) -> None:
    call("GET", "https://infer.example/echo")
    service.answers = [(401, challenge("invalid_token"))]
    uri = f"{issuer.url}/docs/errors#passport_suspended"
    body = {"error": "invalid_request", "error_description": "suspended", "error_uri": uri}
    issuer.scripted = [(400, {}, body)]
    with pytest.raises(PassportRefused, match="the portal says why"):
        call("GET", "https://infer.example/echo")


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_other_refusals_are_the_callers(call: Call, service: Service, status: int) -> None:
    service.answers = [(status, challenge("invalid_token"))]
    assert call("GET", "https://infer.example/echo").status_code == status


def test_each_request_has_a_proof_of_its_own(call: Call, service: Service) -> None:
    for _ in range(3):
        call("GET", "https://infer.example/echo")
    assert len({service.proof(number)["jti"] for number in range(3)}) == 3


def test_a_body_that_can_be_sent_once_is_sent_once(agent: Agent, service: Service) -> None:
    service.answers = [(401, challenge("invalid_token"))]
    with httpx.Client(auth=AgentAuth(agent, AUDIENCE), transport=httpx.MockTransport(service)) as client:
        response = client.post("https://infer.example/echo", content=iter([b"once"]))
    assert (response.status_code, len(service.seen)) == (401, 1)


def test_a_token_does_not_travel_over_plain_http(call: Call, issuer: FakeIssuer) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        call("GET", "http://infer.example/echo")
    assert issuer.calls["exchange"] == 0
