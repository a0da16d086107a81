"""Starts the example service of the Python SDK as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

EXAMPLE = Path(__file__).parent.parent / "sdk" / "python" / "examples" / "service.py"


@contextmanager
def running_service(issuer: str, service: dict[str, Any], port: int, state: Path) -> Iterator[str]:
    """Gives its URL once it is ready: it holds keys and status lists, and hears the feed."""
    environment = {
        **os.environ,
        "AGENT_PASSPORT_ISSUER": issuer,
        "SERVICE_AUDIENCE": service["audience"],
        "SERVICE_CLIENT_ID": service["client_id"],
        "SERVICE_CLIENT_SECRET": service["client_secret"],
        "SERVICE_STATE": str(state),
        "SERVICE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, str(EXAMPLE)], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_live(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_live(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the example service stopped with {process.returncode}")
        try:
            answer = httpx.get(f"{url}/readyz", timeout=2).json()
        except (httpx.HTTPError, ValueError):
            answer = {}
        if answer.get("ready") and answer.get("live"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the example service was not ready within {seconds:.0f} s")
