"""The caller as a dependency of FastAPI, and the middleware for Django, sync and async."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Form
from fastapi.testclient import TestClient

from agent_passport import AgentKey, Verified, Verifier
from agent_passport.fastapi import FastAPIGuard
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import ALGS, AUDIENCE, make_proof


def signed(key: AgentKey, token: str, path: str = "/echo", method: str = "GET") -> dict[str, str]:
    return {
        "Authorization": f"DPoP {token}",
        "DPoP": make_proof(key, token, htm=method, htu=f"https://infer.example{path}"),
    }


@pytest.fixture
def client(verifier: Verifier) -> Any:
    guard = FastAPIGuard(verifier)
    app = FastAPI()
    guard.install(app)

    @app.get("/echo")
    async def echo(caller: Annotated[Verified, Depends(guard("echo:read"))]) -> dict[str, str]:
        return {"agent": caller.agent}

    @app.get("/admin")
    def admin(caller: Annotated[Verified, Depends(guard("admin"))]) -> None: ...

    @app.post("/form")
    def form(caller: Annotated[Verified, Depends(guard())], a: Annotated[str, Form()]) -> dict[str, str]:
        return {"a": a}

    with TestClient(app) as made:
        yield made


def test_fastapi_serves_who_may(client: TestClient, issuer: FakeIssuer, key: AgentKey) -> None:
    token = issuer.access_token(key, AUDIENCE)
    assert client.get("/echo", headers=signed(key, token)).json() == {"agent": "agent_alice1"}


def test_fastapi_answers_others_by_the_standard(
    client: TestClient, issuer: FakeIssuer, key: AgentKey
) -> None:
    stranger = client.get("/echo")
    assert (stranger.status_code, stranger.headers["WWW-Authenticate"]) == (401, f"DPoP {ALGS}")
    assert stranger.headers["Content-Type"] == "application/problem+json"
    assert stranger.json()["status"] == 401
    token = issuer.access_token(key, AUDIENCE)
    lacking = client.get("/admin", headers=signed(key, token, "/admin"))
    assert lacking.status_code == 403
    assert lacking.headers["WWW-Authenticate"] == f'DPoP error="insufficient_scope", scope="admin", {ALGS}'


def test_fastapi_refuses_a_token_in_a_form_and_reads_other_forms(
    client: TestClient, issuer: FakeIssuer, key: AgentKey
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    held = client.post("/form", data={"access_token": "x"}, headers=signed(key, token, "/form", "POST"))
    assert held.status_code == 400
    other = client.post("/form", data={"a": "b"}, headers=signed(key, token, "/form", "POST"))
    assert other.json() == {"a": "b"}


def test_fastapi_adds_the_limit_to_the_answer(
    make_verifier: Callable[..., Verifier], issuer: FakeIssuer, key: AgentKey
) -> None:
    guard = FastAPIGuard(make_verifier())
    app = FastAPI()
    guard.install(app)

    @app.get("/echo")
    async def echo(caller: Annotated[Verified, Depends(guard("model:infer"))]) -> None: ...

    with TestClient(app) as client:
        answered = client.get("/echo", headers=signed(key, issuer.access_token(key, AUDIENCE)))
    assert answered.headers["RateLimit-Policy"] == '"minute";q=2;w=60'


DJANGO = """
import asyncio, json, sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=["__main__.guarded"], USE_TZ=True,
)
django.setup()
from django.http import JsonResponse
from django.test import AsyncClient, Client
from django.urls import path
from agent_passport import MemoryReplay, Verifier
from agent_passport.django import django_middleware

issuer, audience, calls = json.loads(sys.argv[1])
replay = MemoryReplay()
replay.complete_since = None
verifier = Verifier(issuer, audience, limits=False, replay=replay)
guarded = django_middleware(
    verifier, {"GET /echo": "echo:read", "POST /form": "echo:read"}, open_paths={"/livez"}
)

def echo(request):
    caller = getattr(request, "agent_passport", None)
    return JsonResponse({"agent": caller and caller.agent, "form": request.POST.get("a")})

async def aecho(request):
    return echo(request)

urlpatterns = [path(name, echo) for name in ("echo", "form", "livez", "other")]

def told(answered):
    return [answered.status_code, answered.headers.get("WWW-Authenticate"), json.loads(answered.content)]

def send(client, method, target, headers, form):
    body = {"data": form, "content_type": "application/x-www-form-urlencoded"} if form else {}
    return getattr(client, method.lower())(target, headers=headers, **body)

async def in_loop():
    return [told(await send(AsyncClient(), *call)) for call in calls]

half = len(calls) // 2
everything, calls = calls, calls[:half]
in_threads = [told(send(Client(), *call)) for call in calls]
calls = everything[half:]
print(json.dumps([in_threads, asyncio.run(in_loop())]))
verifier.close()
"""


def test_django_serves_and_refuses_in_threads_and_in_a_loop(
    issuer: FakeIssuer, key: AgentKey, tmp_path: Path
) -> None:
    """In a process of its own: these tests' own Django is another one."""
    program = tmp_path / "service.py"
    program.write_text(DJANGO)
    calls = [call for _ in range(2) for call in django_calls(issuer, key)]
    done = subprocess.run(
        [sys.executable, str(program), json.dumps([issuer.url, AUDIENCE, calls])],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2] / "sdk" / "python" / "src"),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for answers in json.loads(done.stdout):
        served, stranger, unnamed, opened, held, form = answers
        assert served == [200, None, {"agent": "agent_alice1", "form": None}]
        assert stranger[:2] == [401, f"DPoP {ALGS}"]
        assert unnamed[0] == 403
        assert opened[0] == 200
        assert held[0] == 400
        assert form == [200, None, {"agent": "agent_alice1", "form": "b"}]


def django_calls(issuer: FakeIssuer, key: AgentKey) -> list[tuple[str, str, dict[str, str], str]]:
    token = issuer.access_token(key, AUDIENCE)
    return [
        ("GET", "/echo", signed(key, token), ""),
        ("GET", "/echo", {}, ""),
        ("GET", "/other", signed(key, token, "/other"), ""),
        ("GET", "/livez", {}, ""),
        ("POST", "/form", signed(key, token, "/form", "POST"), "access_token=x"),
        ("POST", "/form", signed(key, token, "/form", "POST"), "a=b"),
    ]
