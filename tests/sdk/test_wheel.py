"""What a user installs: the wheel, alone in an empty environment."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "sdk" / "python"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the wheel, and beside it what the wheel depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=SOURCE, check=True, capture_output=True, timeout=120)
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


def run(python: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_the_package_comes_from_the_wheel_and_is_typed(python: Path, tmp_path: Path) -> None:
    program = "import agent_passport, pathlib; print(pathlib.Path(agent_passport.__file__).parent)"
    folder = Path(run(python, "-c", program, cwd=tmp_path).stdout.strip())
    assert python.parent.parent in folder.parents
    assert (folder / "py.typed").exists()


def test_the_command_line_works_from_the_wheel(python: Path, tmp_path: Path) -> None:
    command = python.parent / "agent-passport"
    made = run(python, str(command), "keys", "generate", "--out", "key.json", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["public_jwk"]["crv"] == "Ed25519"
    assert json.loads((tmp_path / "key.json").read_text())["d"] not in made.stdout
