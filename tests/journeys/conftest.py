"""One issuer with its demo, and each SDK installed once, for the journeys that leave the issuer as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.packages import install_packed, install_wheel
from tests.journeys.processes import Issuer


@pytest.fixture(scope="package")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = Issuer(tmp_path_factory.mktemp("issuer"))
    made.serve()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def demo(issuer: Issuer) -> dict[str, Any]:
    return issuer.demo()


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packed TypeScript SDK in it."""
    return install_packed(tmp_path_factory.mktemp("typescript"))


@pytest.fixture(scope="package")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel in it."""
    return install_wheel(tmp_path_factory.mktemp("wheel"))
