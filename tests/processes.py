"""Real server processes for tests: the embedded default, and the production shape on PostgreSQL and Redis."""

import base64
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests import migrated

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
MADE_READY = """
from django.core.management import call_command
call_command("prepare")
call_command("collectstatic", "--noinput", verbosity=0)
"""
"""What a deployment does before its processes start, in one process."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server stopped with {process.returncode} before it was ready")
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} was not ready within {seconds:.0f} s")


def wait_until_answers(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Whatever the answer is: a server that has no probe of ours."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server stopped with {process.returncode}"
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer within {seconds:.0f} s")


def clean_environment(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AP_", "DATA_DIR", "PORT", "DJANGO_"))
    }
    return {**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk' / 'python' / 'src'}", **more}


@contextmanager
def started(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@dataclass
class Embedded:
    """``manage.py serve`` on a folder of its own. May be killed and started again on the same folder."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(DATA_DIR=str(self.folder), PORT=str(self.port), **self.settings)

    def start(self, *, dies_at: str = "") -> None:
        """``dies_at``: a point of our code at which the process is killed (tests/faults/dying.py)."""
        program = ["-m", "tests.faults.dying", dies_at] if dies_at else ["manage.py"]
        with (self.folder / "serve.log").open("ab") as log:
            command = [sys.executable, *program, "serve"]
            self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        wait_until_ready(self.issuer, self.process)

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )


@contextmanager
def embedded_server(folder: Path, *, from_nothing: bool = False, **settings: str) -> Iterator[Embedded]:
    """On a database that has its tables already, but where the first start itself is looked at."""
    server = Embedded(folder, settings)
    if not from_nothing:
        shutil.copy(migrated.sqlite_file(), folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Production:
    """Production settings on a database of its own of the test run's PostgreSQL, with its Redis."""

    folder: Path
    environment: dict[str, str]
    stack: ExitStack

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self.environment, **more}
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    def run(self, *command: str, url: str = "") -> subprocess.Popen[bytes]:
        program = [str(BIN / command[0]), *command[1:]]
        process = self.stack.enter_context(
            started(program, self.environment, self.folder / f"{command[0]}.log")
        )
        if url:
            wait_until_ready(url, process)
        return process

    def web(self, interface: str = "wsgi") -> str:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        application = f"config.{interface}:application"
        self.run(
            "granian",
            "--interface",
            interface,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            application,
            url=url,
        )
        return url


@contextmanager
def production(folder: Path, issuer: str, **settings: Any) -> Iterator[Production]:
    admin_url = os.environ.get("AP_DATABASE_URL")
    if not admin_url:
        pytest.fail("the production shape needs the PostgreSQL and Redis of the test run")
    name = f"shape_{secrets.token_hex(4)}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated.database()}"')  # type: ignore[arg-type]
    environment = clean_environment(
        AP_MODE="production",
        AP_ISSUER=issuer,
        AP_ALLOW_PLAIN_HTTP="1",
        AP_SECRET_KEY=secrets.token_urlsafe(48),
        AP_KEY_RING=f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        AP_DATABASE_URL=admin_url.rsplit("/", 1)[0] + f"/{name}",
        AP_DATABASE_POOL="4",
        AP_ADMISSION_REDIS_URL=with_database(os.environ["AP_ADMISSION_REDIS_URL"], 40),
        AP_BROKER_URL=with_database(os.environ["AP_BROKER_URL"], 40),
        AP_STATIC_ROOT=str(folder / "static"),
        DATA_DIR=str(folder / "data"),
        **settings,
    )
    with ExitStack() as stack:
        shape = Production(folder, environment, stack)
        done = shape.manage("shell", "-v0", "-c", MADE_READY)
        assert done.returncode == 0, done.stderr[-2000:]
        yield shape
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def with_database(url: str, number: int) -> str:
    return f"{url.partition('?')[0]}?db={number + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}"
