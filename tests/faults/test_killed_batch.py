"""``kill -9`` in the middle of a batch and of its undo: it goes on where it was, and does nothing twice.

Each case is real processes on one database: the first dies at a point of our code, inside a
transaction or between two; the second does what a restarted server does. What has come of it
must be what comes of it undisturbed.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import migrated
from tests.processes import ROOT, clean_environment

pytestmark = pytest.mark.services

RUN = "passport.revocation.run"
UNDO = "passport.revocation.undo"
IN_A_RUN = {
    "before the fact commits": f"{RUN}.place:after:1",
    "when it has committed, before the job is begun": "foundation.jobs.outbox.run_job:before:1",
    "while a list is changed": "passport.restrictions.publish.change:after:1",
    "between lists and records": f"{RUN}.publish:after:1",
    "inside the second part of the records": f"{RUN}.append:after:2",
    "between two parts of the records": f"{RUN}._record_some:after:2",
    "while the cards are remembered": f"{RUN}.remember:after:1",
    "when it is done, before its receipt": f"{RUN}._finish:after:1",
    "with its receipt, before the job's mark": "job/passport.revocation.travel:after:1",
}
IN_AN_UNDO = {
    "before the fact commits": f"{UNDO}.lift_selected:after:1",
    "when it has committed, before the job is begun": "foundation.jobs.outbox.run_job:before:1",
    "while a list is changed": "passport.restrictions.publish.change:after:1",
    "while the cards are forgotten": f"{UNDO}.forget:after:1",
    "when it is undone, before its receipt": f"{UNDO}.write_receipt:before:1",
    "with its receipt, before the job's mark": "job/passport.revocation.undone:after:1",
}
LIVED = {"batch.approved": 1, "batch.draft": 1, "batch.previewed": 1, "batch.running": 1, "batch.done": 1}
DONE = {
    "state": "done", "receipts": [True, False], "restrictions": [2500, 2500],
    "accounts": {"SUSPEND": 0, "REVOKE": 2500}, "entries": LIVED, "recorded": 2500, "bits": [250, 0],
    "memories": 20, "left": [0, 0, 0, 0], "whole": True,
}  # fmt: skip
UNDONE = DONE | {
    "state": "undone", "receipts": [True, True], "restrictions": [2500, 0],
    # What was restricted for another reason stays so.
    "accounts": {"SUSPEND": 1, "REVOKE": 0}, "bits": [1, 0], "memories": 0,
    "entries": LIVED | {"batch.undoing": 1, "batch.undone": 1, "restriction.lifted": 1},
}  # fmt: skip


class Nest:
    """Forks the processes of the tests: each starts at once, and dies by itself."""

    def __init__(self, folder: "Folder") -> None:
        command = [sys.executable, "-m", "tests.faults.hydra_program", "nest"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=folder.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, folder: Path, words: tuple[str, ...], point: str) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"folder": str(folder), "words": words, "point": point}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(
            words, code, (folder / "told").read_text(), (folder / "failed").read_text()
        )

    def close(self) -> None:
        self.process.communicate(timeout=10)


@dataclass(frozen=True)
class Folder:
    """A DATA_DIR, and the database that goes with it."""

    path: Path
    database_url: str = ""
    nest: Nest | None = None

    def run(self, *words: str, point: str = "") -> subprocess.CompletedProcess[str]:
        if self.nest is not None:
            return self.nest.run(self.path, words, point)
        command = [sys.executable, "-m", "tests.faults.hydra_program", *words]
        environment = self.environment() | {"POINT": point}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    def environment(self) -> dict[str, str]:
        more = {"AP_DATABASE_URL": self.database_url, "AP_DATABASE_POOL": "0"} if self.database_url else {}
        return clean_environment(DATA_DIR=str(self.path), **more)

    def does(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def dies(self, *words: str, at: str) -> None:
        killed = self.run(*words, point=at)
        assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]

    def facts(self, *words: str) -> dict[str, Any]:
        return json.loads(self.does(*words, "tell"))


@contextmanager
def nested(folder: Folder) -> Iterator[Folder]:
    """The people made by a process of their own; the rest is done by forks of another."""
    folder.does("people")
    nest = Nest(folder)
    yield replace(folder, nest=nest)
    nest.close()


type Copy = Callable[[Folder], Folder]


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A batch of 2,500 accounts that waits to be run."""
    path = tmp_path_factory.mktemp("approved") / "data"
    path.mkdir()
    shutil.copy(migrated.sqlite_file(), path)
    with nested(Folder(path)) as folder:
        yield folder


@pytest.fixture(scope="module")
def done(approved: Folder, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The same, run and done: what comes of it when nothing disturbs it."""
    path = shutil.copytree(approved.path, tmp_path_factory.mktemp("done") / "data")
    folder = Folder(path, nest=approved.nest)
    assert folder.facts("run", "work") == DONE
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return lambda folder: Folder(shutil.copytree(folder.path, tmp_path / "data"), nest=folder.nest)


@pytest.mark.parametrize("point", IN_A_RUN.values(), ids=IN_A_RUN)
def test_a_batch_that_is_killed_completes_exactly_once(approved: Folder, copy: Copy, point: str) -> None:
    folder = copy(approved)
    folder.dies("run", "work", at=point)
    assert folder.facts("run", "work") == DONE


@pytest.mark.parametrize("point", IN_AN_UNDO.values(), ids=IN_AN_UNDO)
def test_an_undo_that_is_killed_completes_exactly_once(done: Folder, copy: Copy, point: str) -> None:
    folder = copy(done)
    folder.dies("undo", "work", at=point)
    assert folder.facts("undo", "work") == UNDONE


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Folder]:
    admin_url = os.environ.get("AP_DATABASE_URL", "")
    name = f"killed_{secrets.token_hex(4)}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated.database()}"')  # type: ignore[arg-type]
    folder = Folder(tmp_path / "data", admin_url.rsplit("/", 1)[0] + f"/{name}")
    folder.path.mkdir()
    with nested(folder) as ready:
        yield ready
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def test_killed_again_and_again_on_postgresql_it_comes_to_the_same_end(on_postgresql: Folder) -> None:
    for point in list(IN_A_RUN.values())[::4]:
        on_postgresql.dies("run", "work", at=point)
    assert on_postgresql.facts("run", "work") == DONE
    for point in list(IN_AN_UNDO.values())[::5]:
        on_postgresql.dies("undo", "work", at=point)
    assert on_postgresql.facts("undo", "work") == UNDONE
