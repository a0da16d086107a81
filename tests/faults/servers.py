"""A PostgreSQL and Redis servers of a test's own: it may stop them and start them again."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests import services
from tests.services import die_with_parent, unprivileged, wait_for


class Postgres:
    """Keeps its data over a stop."""

    def __init__(self) -> None:
        # A socket's path is short, and nobody must reach it: not in pytest's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="ap-pg-"))
        self.folder.chmod(0o755)
        self.owner = unprivileged(self.folder)
        self.binaries = postgres_binaries(self.folder)
        self.data = self.folder / "data"
        self._call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://postgres@{str(self.folder).replace('/', '%2F')}/postgres"

    def start(self) -> None:
        command = [self.binaries / "postgres", "-D", self.data, "-k", self.folder]
        for option in ("fsync=off", "listen_addresses=", "max_connections=80"):
            command += ["-c", option]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, preexec_fn=die_with_parent, **self.owner
            )
        ask = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.folder), "-U", "postgres"]
        wait_for(lambda: services.ready(ask), "PostgreSQL")

    def stop(self) -> None:
        """At once, as a crash is: open connections break."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(self.binaries / program), *map(str, arguments)]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self.owner)


def postgres_binaries(folder: Path) -> Path:
    """The copy of the test run's own PostgreSQL where there is one; else what it would copy."""
    for found in Path(os.environ["AP_TEST_FOLDER"]).glob("site/**/bin/postgres"):
        return found.parent
    return services.postgres_binaries(folder)


class Redis:
    """With ``keeps`` it writes each change to a file and has it again after a stop; else it comes back empty."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.socket = Path(tempfile.mkdtemp(prefix="ap-rd-")) / "sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    @property
    def broker_url(self) -> str:
        """Celery's name for it."""
        return f"redis+socket://{self.socket}"

    def start(self) -> None:
        home = self.folder / self.name
        home.mkdir(exist_ok=True)
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [services.redis_binary(), "--port", "0", "--unixsocket", str(self.socket), "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
                 "--dir", str(home)],
                stdout=log, stderr=log, preexec_fn=die_with_parent,
            )  # fmt: skip
        wait_for(self.socket.exists, self.name)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
            self.socket.unlink(missing_ok=True)

    def lose_everything(self) -> None:
        """To be called while it is stopped: it comes back empty."""
        shutil.rmtree(self.folder / self.name)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.socket.parent, ignore_errors=True)
