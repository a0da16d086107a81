from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_passport import Agent, AgentKey
from tests.sdk.fake_issuer import FakeIssuer

AUDIENCE = "https://infer.example"


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    fake = FakeIssuer()
    yield fake
    fake.stop()


@pytest.fixture(params=["Ed25519", "P-256"])
def any_key(request: pytest.FixtureRequest) -> AgentKey:
    return AgentKey.generate(request.param)


@pytest.fixture
def key() -> AgentKey:
    return AgentKey.generate()


@pytest.fixture
def agent(issuer: FakeIssuer, key: AgentKey, tmp_path: Path) -> Iterator[Agent]:
    with Agent(issuer.url, "agent_alice1", key, state=tmp_path / "state") as made:
        yield made
