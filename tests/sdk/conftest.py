from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_passport import Agent, AgentKey, MemoryReplay, Verifier
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE, Clock, eventually


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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replay() -> MemoryReplay:
    """As of a process that has run for long: proofs from before its start are another test's matter."""
    store = MemoryReplay()
    store.complete_since = None
    return store


@pytest.fixture
def make_verifier(
    issuer: FakeIssuer, clock: Clock, replay: MemoryReplay
) -> Iterator[Callable[..., Verifier]]:
    made: list[Verifier] = []

    def make(**options: Any) -> Verifier:
        settings = {"replay": replay, "clock": clock.time, "monotonic": clock.monotonic, **options}
        made.append(Verifier(issuer.url, AUDIENCE, **settings))
        return made[-1]

    yield make
    for verifier in made:
        verifier.close()


@pytest.fixture
def verifier(make_verifier: Callable[..., Verifier]) -> Verifier:
    """Without credentials: lists only, no feed, no units."""
    return make_verifier(limits=False)


@pytest.fixture
def following(make_verifier: Callable[..., Verifier]) -> Verifier:
    """Follows the feed, and is at its head."""
    made = make_verifier(client_id="svc_infer", client_secret="secret").start()
    eventually(lambda: made.is_live and made.is_ready)
    return made
