"""Step 10: the record of all this is whole, and says which entry was altered behind its back."""

import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.stage import Stage, plain_environment
from demo.telling import Teller

MANAGE = Path(__file__).parent.parent / "manage.py"


def prove_the_record(teller: Teller, stage: Stage) -> None:
    teller.step(10, "The record is whole; an altered entry is named")
    whole = verify(stage.data_dir, "--seal")
    teller.sent("manage.py verify_ledger --seal")
    teller.came(whole.stdout or whole.stderr)
    teller.holds("the record is whole", whole.returncode == 0, whole.stderr)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_data(stage.data_dir, copy)
        altered = alter_one_entry(copy / "agent-passport.sqlite3")
        found = verify(copy)
        teller.sent(f"in a copy, entry {altered} altered with the guard taken off; manage.py verify_ledger")
        teller.came(found.stderr)
        named = re.search(r"entry #\d+ \(id (\d+)\)", found.stderr)
        teller.holds("the altered entry is named", named and int(named[1]) == altered, found.stderr)


def verify(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = plain_environment(DATA_DIR=str(data_dir))
    command = [sys.executable, str(MANAGE), "verify_ledger", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def copy_data(source: Path, target: Path) -> None:
    """Secrets and checkpoints as files; the database by SQLite's own backup, while it is in use."""
    shutil.copytree(source / "secrets", target / "secrets")
    if (source / "checkpoints.txt").exists():
        shutil.copy2(source / "checkpoints.txt", target / "checkpoints.txt")
    name = "agent-passport.sqlite3"
    with sqlite3.connect(source / name) as live, sqlite3.connect(target / name) as copy:
        live.backup(copy)


def alter_one_entry(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'foundation_entry'"
        for (name,) in connection.execute(triggers).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        middle = "SELECT entry_id FROM foundation_position ORDER BY number DESC LIMIT 1 OFFSET 5"
        entry_id = int(connection.execute(middle).fetchone()[0])
        connection.execute("UPDATE foundation_entry SET actor = 'user:nobody' WHERE id = ?", (entry_id,))
    return entry_id
