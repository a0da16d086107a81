"""The real server and the example service as processes of their own, each with a folder and a port."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests import migrated

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "sdk" / "python" / "examples"
START_SECONDS = 240
"""Beside whatever else the machine does."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """Started and stopped by the test; what it printed is in ``log``."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path, url: str) -> None:
        self.command, self.env, self.log, self.url = command, env, log, url
        self.running: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool]) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(self.command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not answers(is_ready):
            code = self.running.poll()
            assert code is None, f"ended with {code}: {self.log.read_text()}"
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        if self.running is not None:
            self.running.terminate()
            try:
                self.running.wait(15)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
            self.running = None


def answers(is_ready: Callable[[], bool]) -> bool:
    try:
        return is_ready()
    except (httpx.HTTPError, ValueError):
        return False


class Issuer(Process):
    """``manage.py serve`` on the embedded default, with its demo."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        # Whatever servers the test run itself talks to, this one stands alone.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AP_")}
        env |= {"AP_MODE": "embedded", "DATA_DIR": str(folder / "data"), "PORT": str(port)}
        url = f"http://127.0.0.1:{port}"
        # Making every table takes as long as all that is looked at here, and is looked at elsewhere.
        (folder / "data").mkdir()
        shutil.copy(migrated.sqlite_file(), folder / "data")
        super().__init__([sys.executable, "manage.py", "serve"], env, folder / "issuer.log", url)

    def serve(self) -> None:
        self.start(lambda: httpx.get(f"{self.url}/readyz").status_code == 200)

    def demo(self) -> dict[str, Any]:
        return json.loads(self.manage("demo", "--json"))

    def run(self, program: str) -> str:
        """A program inside the server's own code and database; what it printed."""
        return self.manage("shell", "-v0", "-c", program)

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=START_SECONDS
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class ExampleService(Process):
    """One of the examples that the SDK comes with."""

    def __init__(
        self, folder: Path, issuer: str, service: dict[str, Any], program: str = "service.py"
    ) -> None:
        port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
            "AGENT_PASSPORT_ISSUER": issuer,
            "SERVICE_AUDIENCE": service["audience"],
            "SERVICE_CLIENT_ID": service["client_id"],
            "SERVICE_CLIENT_SECRET": service["client_secret"],
            "SERVICE_STATE": str(folder / "service"),
            "SERVICE_OUTAGE": "exp",
            "PORT": str(port),
        }
        super().__init__(
            [sys.executable, str(EXAMPLES / program)], env, folder / "service.log", f"http://127.0.0.1:{port}"
        )
        self.audience: str = service["audience"]

    def health(self) -> dict[str, bool]:
        return httpx.get(f"{self.url}/readyz").json()

    def serve(self, *, live: bool = True) -> None:
        """``live``: until it follows the feed; else until it has keys and lists."""
        self.start(lambda: self.health()["ready"] and (self.health()["live"] or not live))
