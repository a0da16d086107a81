"""The whole story of the README, against a server process of its own, through its public doors."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.stage import find_stage
from demo.story import tell
from demo.telling import Teller
from tests.processes import Embedded, embedded_server

FEED_SECONDS = 60
"""A service that lost its feed tries again with growing pauses; the bound of a second needs the feed."""

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("story"), from_nothing=True) as running:
        yield running


def test_the_whole_story_holds(server: Embedded) -> None:
    teller = Teller(quiet=True)
    tell(teller, find_stage(server.folder, server.port))
    assert [step["step"] for step in teller.steps] == list(range(1, 11))
    assert all(step["held"] or step["step"] == 0 for step in teller.steps)


class Killing(Teller):
    """Cuts the server's power once in each of the steps 4 to 9, and goes on with a restarted one."""

    def __init__(self, server: Embedded) -> None:
        super().__init__(quiet=True)
        self.server = server
        self.service = ""
        self.killed: list[int] = []

    def came(self, words: str) -> None:
        super().came(words)
        if found := re.match(r"the example service listens at (\S+)", words):
            self.service = found[1]

    def step(self, number: int, title: str) -> None:
        super().step(number, title)
        # In these two the process is stopped by the story, or its counters are what is told.
        if number in {5, 6}:
            self.cut(number)

    def holds(self, what: str, condition: object, seen: object = "") -> None:
        super().holds(what, condition, seen)
        number = self.steps[-1]["step"]
        if number in {4, 7, 8, 9} and number not in self.killed:
            self.cut(number)

    def cut(self, number: int) -> None:
        self.killed.append(number)
        self.server.kill()
        self.wait_for_feed(heard=False)
        self.server.start()
        self.wait_for_feed(heard=True)

    def wait_for_feed(self, *, heard: bool) -> None:
        """Until the service has noticed."""
        deadline = time.monotonic() + FEED_SECONDS
        while httpx.get(f"{self.service}/readyz", timeout=5).json()["live"] != heard:
            assert time.monotonic() < deadline, f"the service's feed: not {heard} within {FEED_SECONDS} s"
            time.sleep(0.05)


def test_the_story_goes_on_when_the_server_is_killed_in_each_of_its_steps(server: Embedded) -> None:
    teller = Killing(server)
    tell(teller, find_stage(server.folder, server.port))
    assert teller.killed == [4, 5, 6, 7, 8, 9]
    assert [step["step"] for step in teller.steps] == list(range(1, 11))


def test_the_demo_is_the_same_each_time_and_for_its_owner_alone(server: Embedded) -> None:
    first, second = server.manage("demo", "--json"), server.manage("demo", "--json")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert Path(server.folder, "demo.json").stat().st_mode & 0o777 == 0o600
