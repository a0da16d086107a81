"""What a user installs: the wheel, alone in an empty environment."""

import json
import subprocess
from pathlib import Path


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
