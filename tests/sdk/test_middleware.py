"""The two middlewares, under the frameworks that people use, with AgentAuth as the caller."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket

from agent_passport import Agent, AgentAuth, AgentKey, ASGIMiddleware, Need, Verifier, WSGIMiddleware
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import ALGS, Clock, eventually, make_proof

RULES = {"GET /echo": "echo:read", "POST /infer": Need("model:infer", cost=2), "GET /who": Need(None)}


class Alice(httpx.Auth):
    """An agent with a token that the fake issuer signed."""

    def __init__(self, issuer: FakeIssuer, key: AgentKey) -> None:
        self.issuer, self.key = issuer, key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
        token = self.issuer.access_token(self.key, origin)
        request.headers["Authorization"] = f"DPoP {token}"
        request.headers["DPoP"] = make_proof(
            self.key, token, htm=request.method, htu=f"{origin}{request.url.path}"
        )
        yield request


def asgi_app(verifier: Verifier) -> Any:
    app = FastAPI()

    @app.api_route("/echo", methods=["GET", "HEAD"])
    async def echo(request: Request) -> dict[str, str]:
        return {"agent": request.scope["agent_passport"].agent}

    @app.post("/infer")
    async def infer(request: Request) -> dict[str, str]:
        return {"body": (await request.body()).decode()}

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "secret"

    @app.websocket("/echo")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()

    return ASGIMiddleware(app, verifier, RULES, open_paths={"/livez"})


def wsgi_app(verifier: Verifier) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        if environ["PATH_INFO"] == "/infer":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            return [f'{{"body": "{body}"}}'.encode()]
        verified = environ.get("agent_passport")
        return [f'{{"agent": "{verified.agent if verified else ""}"}}'.encode()]

    return WSGIMiddleware(app, verifier, RULES, open_paths={"/livez"})


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(params=["asgi", "wsgi"])
def service(
    request: pytest.FixtureRequest, issuer: FakeIssuer, clock: Clock, replay: Any
) -> Iterator[httpx.URL]:
    """A real server on loopback in front of either middleware."""
    sockets = make_server("127.0.0.1", 0, lambda *_: [], server_class=WSGIServer, handler_class=Quiet)
    origin = f"http://127.0.0.1:{sockets.server_port}"
    verifier = Verifier(issuer.url, origin, client_id="svc", client_secret="s", replay=replay)
    if request.param == "wsgi":
        sockets.set_app(wsgi_app(verifier))
        threading.Thread(target=sockets.serve_forever, args=(0.01,), daemon=True).start()
        yield httpx.URL(origin)
        sockets.shutdown()
        sockets.server_close()
        verifier.close()
    else:
        server = uvicorn.Server(uvicorn.Config(asgi_app(verifier), log_level="error"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([sockets.socket])), daemon=True)
        thread.start()
        eventually(lambda: server.started)
        yield httpx.URL(origin)
        server.should_exit = True
        thread.join(5)


@pytest.fixture
def alice(service: httpx.URL, issuer: FakeIssuer, key: AgentKey) -> Iterator[httpx.Client]:
    with httpx.Client(auth=Alice(issuer, key), base_url=service) as client:
        yield client


def test_the_application_learns_who_calls(alice: httpx.Client) -> None:
    response = alice.get("/echo?page=2")
    assert (response.status_code, response.json()) == (200, {"agent": "agent_alice1"})
    assert response.headers["RateLimit-Policy"] == '"minute";q=60;w=60'


def test_a_head_request_needs_what_get_needs(alice: httpx.Client) -> None:
    assert alice.head("/echo").status_code == 200


def test_others_get_the_challenge_and_never_reach_the_application(alice: httpx.Client) -> None:
    response = alice.get("/echo", auth=lambda request: request)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == f"DPoP {ALGS}"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 401


def test_an_open_path_needs_no_token(alice: httpx.Client) -> None:
    assert alice.get("/livez", auth=lambda request: request).status_code == 200


def test_a_route_that_nobody_named_is_closed(alice: httpx.Client) -> None:
    assert alice.get("/forgotten").status_code == 403
    assert alice.post("/echo").status_code == 403


def test_a_token_in_a_form_is_refused_and_other_forms_arrive_whole(alice: httpx.Client) -> None:
    response = alice.post("/infer", data={"prompt": "hello", "access_token": "x"})
    assert response.status_code == 400
    assert response.headers["WWW-Authenticate"] == f'DPoP error="invalid_request", {ALGS}'
    assert alice.post("/infer", data={"prompt": "hello"}).json() == {"body": "prompt=hello"}
    assert alice.post("/infer", content=b"plain").json() == {"body": "plain"}


def test_two_authorization_headers_are_seen_as_two(
    alice: httpx.Client, issuer: FakeIssuer, key: AgentKey
) -> None:
    headers = [("Authorization", "DPoP a"), ("Authorization", "DPoP b")]
    assert alice.get("/echo", headers=headers, auth=lambda request: request).status_code == 400


def test_an_agent_calls_through_its_auth(issuer: FakeIssuer, key: AgentKey, service: httpx.URL) -> None:
    agent = Agent(issuer.url, "agent_alice1", key)
    issuer.issue = lambda form, nonce: (
        200,
        nonce,
        {
            "access_token": issuer.access_token(key, str(service).rstrip("/")),
            "token_type": "DPoP" if "subject_token" in form else "N_A",
            "expires_in": 300,
        },
    )
    with httpx.Client(auth=AgentAuth(agent, str(service), "echo:read"), base_url=service) as client:
        assert client.get("/echo").json() == {"agent": "agent_alice1"}


def test_a_rule_may_be_a_function(make_verifier: Callable[..., Verifier]) -> None:
    seen: list[tuple[str, str]] = []

    def rules(method: str, path: str) -> None:
        seen.append((method, path))

    app = WSGIMiddleware(lambda environ, start: [], make_verifier(), rules)
    answers: list[str] = []
    app({"REQUEST_METHOD": "GET", "PATH_INFO": "/items/7"}, lambda status, headers: answers.append(status))
    assert (seen, answers) == ([("GET", "/items/7")], ["403 Forbidden"])
