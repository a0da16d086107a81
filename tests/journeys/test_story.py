"""The whole story of the README, against a server process of its own, through its public doors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import find_stage
from demo.story import tell
from demo.telling import Teller
from tests.processes import Embedded, embedded_server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("story")) as running:
        yield running


def test_the_whole_story_holds(server: Embedded) -> None:
    teller = Teller(quiet=True)
    tell(teller, find_stage(server.folder, server.port))
    assert [step["step"] for step in teller.steps] == list(range(1, 11))
    assert all(step["held"] or step["step"] == 0 for step in teller.steps)


def test_the_demo_is_the_same_each_time_and_for_its_owner_alone(server: Embedded) -> None:
    first, second = server.manage("demo", "--json"), server.manage("demo", "--json")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert Path(server.folder, "demo.json").stat().st_mode & 0o777 == 0o600
