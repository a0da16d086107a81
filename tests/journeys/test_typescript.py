"""Both SDKs against each other and one running issuer; the TypeScript one as npm packs and installs it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_passport import Agent, AgentAuth, AgentKey
from tests.journeys.processes import ROOT, ExampleService, Issuer, Process, free_port

PACKAGE = ROOT / "sdk" / "typescript"
INSTALL_SECONDS = 300
pytestmark = pytest.mark.services


def node_environment() -> dict[str, str]:
    found = subprocess.run([ROOT / "bin" / "node-folder"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    return {**os.environ, "PATH": f"{found.stdout.strip()}{os.pathsep}{os.environ['PATH']}"}


def npm(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["npm", *words, "--no-audit", "--no-fund"],
        cwd=cwd, env=node_environment(), capture_output=True, text=True, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(*words: str) -> None:
    """Run npm in the package, one at a time: two builds of two workers into one folder would meet."""
    with (PACKAGE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (PACKAGE / "node_modules").exists():
            npm("ci", cwd=PACKAGE)
        npm(*words, cwd=PACKAGE)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that held nothing, with the packed SDK and what its README says to install."""
    folder = tmp_path_factory.mktemp("typescript")
    built("pack", "--pack-destination", str(folder))
    (packed,) = folder.glob("agent-passport-*.tgz")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm("install", str(packed), "express@5", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = Issuer(tmp_path_factory.mktemp("issuer"))
    made.serve()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def demo(issuer: Issuer) -> dict[str, Any]:
    return issuer.demo()


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
        node = shutil.which("node", path=env["PATH"])
        super().__init__([str(node), str(example)], env, folder / "service.log", f"http://127.0.0.1:{port}")
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
    types = ["--types", "node", "--typeRoots", str(PACKAGE / "node_modules" / "@types")]
    compiler = [str(PACKAGE / "node_modules" / ".bin" / "tsc"), *options, *types, "use.ts"]
    done = subprocess.run(
        compiler, cwd=installed, env=node_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout
