"""The same proof sent to two servers at once: exactly one of them gives a token (DPOP-10)."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from passport.protocol import PASSPORT_TYPE, TOKEN_EXCHANGE
from tests.cast import MODEL

ROOT = Path(__file__).parents[3]
ROUNDS = 10
START_SECONDS = 180
"""On a busy machine a process takes its time to import everything."""

type Send = Callable[[dict[str, str], str], int]


class RealClock:
    """The servers have their own."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def clock() -> RealClock:
    return RealClock()


def serve(port: int) -> subprocess.Popen[bytes]:
    """A web process of production's kind, on the tests' database and Redis."""
    base, _, _ = os.environ["AP_DATABASE_URL"].rpartition("/")
    environment = os.environ | {"AP_DATABASE_URL": f"{base}/{quote(connection.settings_dict['NAME'])}"}
    return subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1",
         "--log-level", "error", "config.wsgi:application"],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def two_servers(transactional_db: None) -> Iterator[list[Send]]:
    """Two processes on PostgreSQL and Redis; on the embedded default two threads of the one there is."""
    if not settings.ADMISSION_REDIS_URL:
        yield [in_process, in_process]
        return
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            stack.callback(end, serve(port))
        for port in ports:
            wait_until_it_answers(port)
        yield [stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}")).post for port in ports]


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(port):
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def in_process(path: str, *, data: dict[str, str], headers: dict[str, str]) -> object:
    try:
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in data.items())
        kind = "application/x-www-form-urlencoded"
        return Client().post(path, body, content_type=kind, headers=headers)
    finally:
        connections.close_all()


@pytest.mark.refusal("DPOP-10")
@pytest.mark.django_db(transaction=True)
def test_of_two_servers_that_get_one_proof_exactly_one_gives_a_token(
    endpoint, scout, scouts_passport, two_servers
) -> None:
    data = {
        "grant_type": TOKEN_EXCHANGE, "subject_token": scouts_passport, "subject_token_type": PASSPORT_TYPE,
        "resource": MODEL,
    }  # fmt: skip
    barrier = threading.Barrier(2)

    def send(post, proof: str):
        barrier.wait(10)
        return post("/oauth/token", data=data, headers={"DPoP": proof})

    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            proof = scout.key.proof()
            replies = list(pool.map(send, two_servers, [proof, proof]))
            assert sorted(reply.status_code for reply in replies) == [200, 400]
            (loser,) = [reply for reply in replies if reply.status_code == 400]
            assert loser.json()["error"] == "invalid_dpop_proof"
