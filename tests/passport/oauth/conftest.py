"""Alice's agent and Carol's, two services, and tokens that are good until a test bends them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation import clock
from passport.admission import memory, mode
from passport.signing import keys
from passport.status.allocate import allocate
from tests.passport import population, signing_keys
from tests.passport.crafting import ALICE, MALLORY
from tests.passport.oauth.asking import ISSUER, MODEL, agent_of, now, service_at


@pytest.fixture(autouse=True)
def ready(db: None) -> None:
    signing_keys.install()
    # As after a start some time ago: what was used since then is known.
    memory.STORE.clear()
    mode.begin(clock.now() - timedelta(hours=1))


@pytest.fixture
def agent() -> Any:
    return agent_of("alice", ALICE)


@pytest.fixture
def stranger() -> Any:
    return agent_of("carol", MALLORY)


@pytest.fixture
def service() -> Any:
    return service_at(MODEL)


@pytest.fixture
def passport(agent: Any) -> Any:
    """A passport row of Alice's agent, and the token that we signed for it."""
    key = agent.keys.get()
    row = population.passport(agent, key, issued_at=clock.now())
    claims = {"iss": ISSUER, "sub": agent.client_id, "aud": ISSUER, "jti": row.jti, "exp": now() + 1000}
    return row, keys.active().sign(claims, typ="agent-passport+jwt")


@pytest.fixture
def access_token(passport: Any) -> Callable[..., str]:
    """An access token from Alice's passport for the model; claims laid over, None leaves one out."""
    row, _ = passport

    def make(typ: str = "at+jwt", **claims: Any) -> str:
        said = {
            "iss": ISSUER, "sub": row.agent.client_id, "client_id": row.agent.client_id, "aud": MODEL,
            "jti": "at_1", "iat": now(), "exp": now() + 300, "scope": "model:infer",
            "cnf": {"jkt": row.key.thumbprint},
            "status": {"status_list": {"idx": row.status_index, "uri": f"{ISSUER}/status/{row.status_list_id}"}},
            **claims,
        }  # fmt: skip
        return keys.active().sign({k: v for k, v in said.items() if v is not None}, typ=typ)

    return make


@pytest.fixture
def agent_place(agent: Any) -> tuple[int, int]:
    """Alice's agent itself on a status list: the root of tokens without a passport."""
    return allocate(agent.client_id, None)
