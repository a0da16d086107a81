"""Both SDKs as they are packed, installed where nothing was."""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.processes import ROOT

PYTHON = ROOT / "sdk" / "python"
TYPESCRIPT = ROOT / "sdk" / "typescript"
INSTALL_SECONDS = 300


def install_wheel(folder: Path) -> Path:
    """An interpreter that has the wheel, and beside it what the wheel depends on."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PYTHON, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("agent_passport-*.whl")
    home = folder / "home"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    interpreter = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "-q", "--offline", "--no-deps", "--python", interpreter, wheel],
        check=True,
        timeout=120,
    )  # fmt: skip
    (site,) = home.glob("lib/python*/site-packages")
    # Dependencies come from the environment of the tests; our own package must not.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


def node_environment() -> dict[str, str]:
    found = subprocess.run([ROOT / "bin" / "node-folder"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.fail(found.stderr.strip())
    return {**os.environ, "PATH": f"{found.stdout.strip()}{os.pathsep}{os.environ['PATH']}"}


def node() -> str:
    return str(shutil.which("node", path=node_environment()["PATH"]))


def npm(*words: str, cwd: Path) -> None:
    done = subprocess.run(
        ["npm", *words, "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=cwd, env=node_environment(), capture_output=True, text=True, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def built() -> Iterator[Path]:
    """The package, built unless ``make typescript`` did; one at a time: two builds into one folder would meet."""
    with (TYPESCRIPT / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (TYPESCRIPT / "node_modules").exists():
            npm("ci", cwd=TYPESCRIPT)
        if not is_built():
            npm("run", "build", cwd=TYPESCRIPT)
        yield TYPESCRIPT


def pack(folder: Path) -> Path:
    with built():
        npm("pack", "--ignore-scripts", "--pack-destination", str(folder), cwd=TYPESCRIPT)
    (packed,) = folder.glob("agent-passport-*.tgz")
    return packed


def is_built() -> bool:
    """Each source has its program, and none is newer than what was made of all of them."""
    sources = [*TYPESCRIPT.glob("src/*.ts"), TYPESCRIPT / "tsconfig.json"]
    programs = [TYPESCRIPT / "dist" / f"{source.stem}.js" for source in sources[:-1]]
    if not all(program.exists() for program in programs):
        return False
    newest = max(source.stat().st_mtime for source in sources)
    return min(program.stat().st_mtime for program in programs) >= newest


def install_packed(folder: Path) -> Path:
    """A folder that held nothing, with the packed SDK and what its README says to install."""
    packed = pack(folder)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm("install", str(packed), "express@5", "redis@5", cwd=folder)
    return folder
