"""A database with every table, made once for a run; the others are copies of it.

On PostgreSQL it is filled while the workers collect: ``python -m tests.migrated`` is the program
that does.
"""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parent.parent
NAME = "migrated"
PATIENCE_SECONDS = 240


def begin() -> None:
    """Start to fill the database beside the run's own, unless somebody did."""
    folder = Path(os.environ["AP_TEST_FOLDER"])
    try:
        (folder / "migrating").mkdir()
    except FileExistsError:
        return
    admin_url = os.environ["AP_DATABASE_URL"]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{NAME}"')  # type: ignore[arg-type]
    environment = {**os.environ, "AP_DATABASE_URL": admin_url.rsplit("/", 1)[0] + f"/{NAME}"}
    with (folder / "migrate.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.migrated"]
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def database() -> str:
    """The database's name for ``CREATE DATABASE … TEMPLATE``, once it is whole."""
    begin()
    folder = Path(os.environ["AP_TEST_FOLDER"])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / "migrated").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    said = (folder / "migrated").read_text() if (folder / "migrated").exists() else "it took too long"
    if said != "whole":
        pytest.exit(f"The database was not migrated: {said}\n{(folder / 'migrate.log').read_text()}", 3)
    return NAME


def sqlite_file() -> Path:
    """The file to copy. Whoever comes first makes it."""
    home = Path(os.environ["AP_TEST_FOLDER"]) / "sqlite"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "whole").exists():
            kept = {name: value for name, value in os.environ.items() if not name.startswith("AP_")}
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env={**kept, "DATA_DIR": str(home)}, check=True)
            (home / "whole").touch()
    return home / "agent-passport.sqlite3"


def main() -> None:
    import django
    from django.core.management import call_command
    from django.db import connection

    result = Path(os.environ["AP_TEST_FOLDER"]) / "migrated"
    told = "it was stopped"
    try:
        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        # Nobody may be connected to what is copied.
        connection.close()
        told = "whole"
    finally:
        # Appears with its words in it.
        draft = result.with_suffix(".draft")
        draft.write_text(told)
        draft.rename(result)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main()
