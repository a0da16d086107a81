"""The adapter for requests, against a small issuer and a small service on loopback."""

import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests

from agent_passport import Agent, ConfigurationError, IssuerRefused, RequestsAuth
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE

Seen = tuple[str, str, dict[str, str], bytes]
Answer = tuple[int, dict[str, str]]


class Service:
    """Writes down what it is sent; ``answer`` says what to answer."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answer: Callable[[Seen], Answer] = lambda seen: (200, {})
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen = (self.command, self.path, dict(self.headers), body)
                service.seen.append(seen)
                status, headers = service.answer(seen)
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            do_GET = do_POST

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def proofs(self) -> list[dict[str, Any]]:
        return [jwt.decode(seen[2]["DPoP"], options={"verify_signature": False}) for seen in self.seen]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def session(agent: Agent) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.auth = RequestsAuth(agent, AUDIENCE, "echo:read")
        yield made


def challenge(error: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'DPoP error="{error}", algs="ES256"'}


def test_each_request_has_a_token_and_a_proof_of_its_own(session: requests.Session, service: Service) -> None:
    assert session.get(f"{service.url}/echo?say=hello").text == "ok"
    session.post(f"{service.url}/infer", json={"a": 1})
    first, second = service.proofs()
    assert (first["htm"], first["htu"]) == ("GET", f"{service.url}/echo")
    assert (second["htm"], second["htu"]) == ("POST", f"{service.url}/infer")
    assert first["jti"] != second["jti"]
    assert {seen[2]["Authorization"] for seen in service.seen} == {"DPoP access-1"}


def test_the_nonce_of_a_service_is_learnt_and_the_body_sent_again(
    session: requests.Session, service: Service
) -> None:
    def answer(seen: Seen) -> Answer:
        nonce = jwt.decode(seen[2]["DPoP"], options={"verify_signature": False}).get("nonce")
        return (200, {}) if nonce == "n1" else (401, {**challenge("use_dpop_nonce"), "DPoP-Nonce": "n1"})

    service.answer = answer
    answered = session.post(service.url, data=b"body")
    assert answered.status_code == 200
    assert [seen[3] for seen in service.seen] == [b"body", b"body"]
    assert [each.status_code for each in answered.history] == [401]
    assert session.post(service.url, data=b"more").status_code == 200
    assert len(service.seen) == 3


def test_a_token_that_the_service_no_longer_takes_is_replaced_once(
    session: requests.Session, service: Service
) -> None:
    service.answer = lambda seen: (401, challenge("invalid_token"))
    assert session.get(service.url).status_code == 401
    assert [seen[2]["Authorization"] for seen in service.seen] == ["DPoP access-1", "DPoP access-2"]


def test_a_body_that_can_be_sent_once_is_sent_once(session: requests.Session, service: Service) -> None:
    service.answer = lambda seen: (401, challenge("invalid_token"))
    session.post(service.url, data=io.BytesIO(b"body"))
    assert len(service.seen) == 1


def test_a_redirect_within_the_service_gets_a_proof_of_its_own(
    session: requests.Session, service: Service
) -> None:
    def answer(seen: Seen) -> Answer:
        if seen[1] == "/old":
            return 307, {"Location": "/new"}
        proof = jwt.decode(seen[2]["DPoP"], options={"verify_signature": False})
        return (200, {}) if proof["htu"].endswith("/new") else (401, challenge("invalid_dpop_proof"))

    service.answer = answer
    assert session.get(f"{service.url}/old").status_code == 200


def test_a_redirect_to_another_service_takes_no_token_along(
    session: requests.Session, service: Service
) -> None:
    other = Service()
    service.answer = lambda seen: (307, {"Location": f"{other.url}/"})
    other.answer = lambda seen: (401, challenge("invalid_token"))
    assert session.get(service.url).status_code == 401
    assert "Authorization" not in other.seen[0][2]
    assert len(other.seen) == 1
    other.server.shutdown()
    other.server.server_close()


def test_a_service_that_others_can_listen_to_gets_no_token(
    session: requests.Session, issuer: FakeIssuer
) -> None:
    with pytest.raises(ConfigurationError):
        session.get("http://infer.example/")
    assert not issuer.forms


def test_a_refusal_of_the_issuer_reaches_the_caller(
    session: requests.Session, issuer: FakeIssuer, service: Service
) -> None:
    issuer.scripted.append((400, {}, {"error": "invalid_client", "error_description": "in words"}))
    with pytest.raises(IssuerRefused, match="in words"):
        session.get(service.url)
    assert not service.seen
