"""Rules of the house that import-linter cannot say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOORS = {"oauth", "decisions", "events", "api", "portal", "safety", "inbox", "simulators", "people", "web"}


def sources() -> Iterator[Path]:
    for app in ("foundation", "accounts", "attestation", "passport"):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_below_the_doors_nothing_speaks_http() -> None:
    below = [path for path in sources() if not DOORS & set(path.relative_to(ROOT).parts)]
    assert below
    guilty = [str(path.relative_to(ROOT)) for path in below if "django.http" in imported(path)]
    assert guilty == []


PURE = [
    "attestation/contract.py",
    "attestation/levels.py",
    "passport/protocol.py",
    "passport/limits/gcra.py",
    "passport/revocation/batch.py",
    "passport/exchange/policy.py",
    "accounts/linkage/weigh.py",
]


@pytest.mark.parametrize("name", PURE)
def test_pure_files_import_neither_django_nor_redis(name: str) -> None:
    roots = {module.partition(".")[0] for module in imported(ROOT / name)}
    assert not roots & {"django", "redis", "rest_framework"}


def test_nothing_is_called_utils() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    assert [str(path) for path in sources() if drawers & {path.stem, *path.parts}] == []
