"""One house for all outages of a run: each test ends with everything up again."""

from collections.abc import Iterator

import pytest

from tests.faults.house import House, open_house


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened
