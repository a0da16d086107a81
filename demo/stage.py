"""What the story is played on: the running server, its demo, and its process."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


def plain_environment(**more: str) -> dict[str, str]:
    """For processes of the story: the embedded default, whatever else this shell is set up for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AP_")}
    return {**kept, **more}


@dataclass(frozen=True)
class Stage:
    issuer: str
    data_dir: Path
    services: list[dict[str, Any]]
    admin: dict[str, str]

    @property
    def pid(self) -> int:
        """Of the server's process as it is now: it may have been started again."""
        return int((self.data_dir / "serve.pid").read_text())

    def free_port(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return int(probe.getsockname()[1])

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The server's process halts, as if its machine had; nothing answers until it goes on."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


def find_stage(data_dir: Path, port: int) -> Stage:
    """RuntimeError with the cure when no server with a demo runs there."""
    demo, pid_file = data_dir / "demo.json", data_dir / "serve.pid"
    if not demo.exists() or not pid_file.exists():
        raise RuntimeError(f"no server runs on {data_dir}: start one with make run, in another terminal")
    made = json.loads(demo.read_text(encoding="utf-8"))
    issuer = str(made["issuer"])
    wait_until_ready(issuer)
    return Stage(issuer, data_dir, made["services"], made["admin"])


def wait_until_ready(issuer: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(f"{issuer}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing answers at {issuer}: start the server with make run")
        time.sleep(0.2)
