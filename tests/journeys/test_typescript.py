"""Both SDKs against each other and one running issuer; the TypeScript one as npm packs and installs it."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from agent_passport import Agent, AgentAuth, AgentKey
from tests.journeys.packages import TYPESCRIPT, node, node_environment
from tests.journeys.processes import EXAMPLES, ROOT, ExampleService, Issuer, Process, free_port

pytestmark = pytest.mark.services


class TypeScriptService(Process):
    def __init__(self, installed: Path, folder: Path, issuer: str, service: dict[str, Any]) -> None:
        port = free_port()
        env = node_environment() | {
            "AGENT_PASSPORT_ISSUER": issuer,
            "SERVICE_AUDIENCE": service["audience"],
            "SERVICE_CLIENT_ID": service["client_id"],
            "SERVICE_CLIENT_SECRET": service["client_secret"],
            "SERVICE_STATE": str(folder / "state"),
            "PORT": str(port),
        }
        example = installed / "node_modules" / "agent-passport" / "examples" / "service.js"
        super().__init__([node(), str(example)], env, folder / "service.log", f"http://127.0.0.1:{port}")
        self.audience: str = service["audience"]

    def serve(self) -> None:
        self.start(lambda: httpx.get(f"{self.url}/readyz").json() == {"ready": True, "live": True})


@pytest.fixture(scope="module", params=["Python", "TypeScript"])
def service(
    request: pytest.FixtureRequest,
    installed: Path,
    issuer: Issuer,
    demo: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ExampleService | TypeScriptService]:
    folder = tmp_path_factory.mktemp("service")
    made: ExampleService | TypeScriptService
    if request.param == "Python":
        made = ExampleService(folder, issuer.url, demo["services"][0])
    else:
        made = TypeScriptService(installed, folder, issuer.url, demo["services"][0])
    made.serve()
    yield made
    made.stop()


def test_an_agent_in_python_is_served(
    issuer: Issuer, demo: dict[str, Any], service: ExampleService | TypeScriptService
) -> None:
    found = demo["agents"][0]
    with Agent(issuer.url, found["client_id"], AgentKey.from_jwk(found["private_jwk"])) as agent:
        auth = AgentAuth(agent, service.audience, "echo:read model:infer")
        with httpx.Client(auth=auth, base_url=service.url) as client:
            echoed = client.get("/echo", params={"say": "hello"})
            inferred = client.post("/infer", json={"prompt": "olleh"})
    assert (echoed.status_code, echoed.json()["agent"]) == (200, found["client_id"])
    assert (inferred.status_code, inferred.json()["completion"]) == (200, "hello")
    assert inferred.headers["RateLimit-Policy"].startswith('"hour"')
    stranger = httpx.get(f"{service.url}/echo")
    assert (stranger.status_code, stranger.headers["WWW-Authenticate"]) == (
        401,
        'DPoP algs="ES256 EdDSA Ed25519"',
    )


def run_example(
    command: list[str],
    issuer: Issuer,
    agent: dict[str, Any],
    service: ExampleService | TypeScriptService,
    folder: Path,
) -> None:
    """An example agent, as its first lines say to start it; both of its calls must be served."""
    key = folder / "agent-key.json"
    key.write_text(json.dumps(agent["private_jwk"]))
    key.chmod(0o600)
    env = node_environment() | {
        "AGENT_PASSPORT_ISSUER": issuer.url,
        "AGENT_PASSPORT_CLIENT_ID": agent["client_id"],
        "AGENT_PASSPORT_KEY": str(key),
        "AGENT_PASSPORT_STATE": str(folder / "state"),
        "SERVICE_AUDIENCE": service.audience,
        "SERVICE_URL": service.url,
        "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
    }
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    echoed, inferred = done.stdout.splitlines()
    assert echoed.startswith("200 ")
    assert agent["client_id"] in echoed
    assert inferred.startswith('200 {"completion":"hello"')
    assert '"hour";r=' in inferred


def test_the_example_agent_in_typescript_is_served(
    installed: Path,
    issuer: Issuer,
    demo: dict[str, Any],
    service: ExampleService | TypeScriptService,
    tmp_path: Path,
) -> None:
    example = installed / "node_modules" / "agent-passport" / "examples" / "agent.js"
    run_example(["node", str(example)], issuer, demo["agents"][1], service, tmp_path)


@pytest.mark.parametrize("name", ["agent.py", "agent_requests.py"])
def test_the_example_agents_in_python_are_served(
    issuer: Issuer,
    demo: dict[str, Any],
    service: ExampleService | TypeScriptService,
    tmp_path: Path,
    name: str,
) -> None:
    example = ROOT / "sdk" / "python" / "examples" / name
    run_example([sys.executable, str(example)], issuer, demo["agents"][0], service, tmp_path)


def test_the_packed_types_serve_a_strict_compiler(installed: Path) -> None:
    (installed / "use.ts").write_text(
        'import { Agent, agentFetch, AgentKey, Verifier, type Verified } from "agent-passport";\n'
        'import { FileStore } from "agent-passport/node";\n'
        "const key = await AgentKey.generate();\n"
        'const agent = new Agent({ issuer: "https://a.example", clientId: "a", key, store: new FileStore("s") });\n'
        'export const call: typeof fetch = agentFetch(agent, { audience: "https://b.example" });\n'
        'const verifier = new Verifier({ issuer: "https://a.example", audience: "https://b.example" });\n'
        'const result = await verifier.check({ method: "GET", target: "/", headers: [] });\n'
        "export const caller: Verified | number = result.ok ? result : result.status;\n"
    )
    options = [
        "--noEmit",
        "--strict",
        "--target",
        "ES2022",
        "--module",
        "NodeNext",
        "--skipLibCheck",
        "false",
    ]
    types = ["--types", "node", "--typeRoots", str(TYPESCRIPT / "node_modules" / "@types")]
    compiler = [str(TYPESCRIPT / "node_modules" / ".bin" / "tsc"), *options, *types, "use.ts"]
    done = subprocess.run(
        compiler, cwd=installed, env=node_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout


def test_an_agent_calls_a_tool_of_a_protected_mcp_server(
    issuer: Issuer, demo: dict[str, Any], tmp_path: Path
) -> None:
    agent, service = demo["agents"][0], demo["services"][0]
    server = ExampleService(tmp_path, issuer.url, service, "service_mcp.py")
    server.start(lambda: httpx.post(f"{server.url}/mcp").status_code == 401)
    key = tmp_path / "agent-key.json"
    key.write_text(json.dumps(agent["private_jwk"]))
    key.chmod(0o600)
    told = {
        "AGENT_PASSPORT_ISSUER": issuer.url,
        "AGENT_PASSPORT_CLIENT_ID": agent["client_id"],
        "AGENT_PASSPORT_KEY": str(key),
        "SERVICE_AUDIENCE": service["audience"],
        "SERVICE_URL": server.url,
    }
    try:
        done = subprocess.run(
            [sys.executable, EXAMPLES / "agent_mcp.py"],
            env=server.env | told, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        server.stop()
    assert (done.stdout, done.returncode) == (f"42\n{agent['client_id']}\n", 0), done.stderr


REPLAY = """
import { createClient } from "redis";
import { RedisReplay, ReplayUnavailable } from "agent-passport";

const [path, prefix] = process.argv.slice(2);
const clients = [createClient({ socket: { path } }), createClient({ socket: { path } })];
for (const client of clients) await client.connect();
const stores = clients.map((client) => new RedisReplay(client, prefix));
const spent = await Promise.all(Array.from({ length: 64 }, (_, each) => stores[each % 2].spend("a-proof", 210)));
const ttl = await clients[1].ttl(`${prefix}a-proof`);
for (const client of clients) client.destroy();
const gone = await stores[0].spend("another", 210).catch((error) => error instanceof ReplayUnavailable);
console.log(JSON.stringify({ first: spent.filter(Boolean).length, ttl, gone }));
"""


@pytest.mark.stores
def test_the_replay_store_spends_once_on_a_real_redis(installed: Path) -> None:
    (installed / "replay.js").write_text(REPLAY)
    path = settings.ADMISSION_REDIS_URL.removeprefix("unix://").partition("?")[0]
    command = [node(), "replay.js", path, f"test:{secrets.token_hex(8)}:"]
    done = subprocess.run(
        command, cwd=installed, env=node_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["first"], said["gone"]) == (1, True)
    assert 205 <= said["ttl"] <= 210
