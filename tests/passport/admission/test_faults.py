"""A real Redis breaks in the middle of the work: what is said, and that no proof counts twice.

``AP_ADMISSION_FAULTS`` says how often each fault is met (`make soak`: 200).
"""

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from foundation import clock as the_clock
from passport.admission import mode as modes
from passport.admission.admit import admit
from passport.admission.contract import Admission
from passport.admission.mode import EPOCH, needs_nonce
from passport.admission.redis import client
from passport.errors import TemporarilyUnavailable
from passport.proofs.spent import spend
from tests import services
from tests.passport.admission.asking import bucket, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.stores]

TIMES = int(os.environ.get("AP_ADMISSION_FAULTS", "1"))
MEMORY_BYTES = 4_000_000


class Lone:
    """A Redis of this test alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        (self.folder / "lone.sock").unlink(missing_ok=True)
        self.url = services.start_redis(self.folder, "lone")
        self.process: subprocess.Popen[bytes] = services.OWNED.pop().process

    @property
    def admin(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def killed(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def flushed(self) -> None:
        self.admin.flushall()

    def paused(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def full(self) -> None:
        self.admin.config_set("maxmemory", 1)

    def heal(self) -> None:
        if self.process.poll() is not None:
            self.start()
        self.process.send_signal(signal.SIGCONT)
        self.admin.config_set("maxmemory", 0)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def lone(settings: object, tmp_path: Path) -> Iterator[Lone]:
    made = Lone(tmp_path)
    settings.ADMISSION_REDIS_URL = made.url  # type: ignore[attr-defined]
    yield made
    client(made.url).connection_pool.disconnect()
    made.stop()


class Agent:
    """Spends proofs, new ones and old ones again, as the doors let it."""

    def __init__(self, clock: object) -> None:
        self.clock, self.accepted, self.refused = clock, Counter[bytes](), Counter[str]()
        self.made: list[tuple[object, object]] = []
        self.bucket = bucket(fresh("b"), 1_000)

    def present(self, again: bool) -> None:
        now = the_clock.now()
        if not (again and self.made):
            name = fresh("jti")
            ends_us = the_clock.now_us() + 90_000_000
            self.made.append((spend("proof", "key", name, expires_at_us=ends_us), now))
        spent, made_at = random.choice(self.made) if again else self.made[-1]
        mode = modes.current()
        since = EPOCH + modes.timedelta(microseconds=mode.since_us)
        if needs_nonce(made_at, since):  # type: ignore[arg-type]
            self.refused["nonce"] += 1
            return
        asked = Admission("p042", (spent,), (self.bucket,), None, the_clock.now_us())  # type: ignore[arg-type]
        try:
            verdict = admit(asked, mode)
        except TemporarilyUnavailable as away:
            self.refused[str(away.status)] += 1

            return
        if verdict.taken:
            self.accepted[spent.digest] += 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("round", range(TIMES))
@pytest.mark.parametrize("fault", ["killed", "flushed", "paused", "full"])
def test_the_database_takes_over_and_no_proof_counts_twice(lone: Lone, clock, fault: str, round: int) -> None:
    modes.begin(clock.now())
    agent = Agent(clock)
    clock.forward(seconds=40)
    for number in range(45):
        clock.forward(seconds=2)
        if number == 10:
            getattr(lone, fault)()
        if number == 30:
            lone.heal()
            modes.probe()
        agent.present(again=number % 3 == 2)
        if number == 12:
            assert modes.current().name == "database"
    assert modes.current().name == "redis"
    assert agent.refused["503"] == 1
    assert max(agent.accepted.values()) == 1
    assert len(agent.accepted) >= 10
