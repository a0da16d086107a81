"""Files that hold secrets or state: readable by their owner alone, whole or not there at all."""

import os
import secrets
from pathlib import Path


def write_new(path: Path, text: str) -> None:
    """Create the file with mode 0600. Raises FileExistsError; follows no link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, text: str) -> None:
    """Put new contents in place at once: a reader, or a crash, meets the old or the new, never half."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        write_new(beside, text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
