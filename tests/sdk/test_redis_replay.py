"""The replay store that all processes of a service share, on a real Redis."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.conf import settings

from agent_passport import AgentKey, RedisReplay, Refusal, ReplayUnavailable, Verified, Verifier
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE, headers_of, make_proof

pytestmark = pytest.mark.skipif(
    os.environ.get("AP_TEST_EMBEDDED") == "1", reason="the embedded default has no Redis"
)


@pytest.fixture
def stores() -> tuple[RedisReplay, RedisReplay]:
    """Of two processes; the names are this test's alone."""
    prefix = f"test:{secrets.token_hex(8)}:"
    made = [RedisReplay(redis.Redis.from_url(settings.ADMISSION_REDIS_URL), prefix) for _ in range(2)]
    return made[0], made[1]


def test_a_key_is_spent_once_by_whichever_process(stores: tuple[RedisReplay, RedisReplay]) -> None:
    with ThreadPoolExecutor(16) as pool:
        spent = list(pool.map(lambda number: stores[number % 2].spend(b"a-proof", 30), range(64)))
    assert spent.count(True) == 1


def test_what_is_spent_ends_by_itself(stores: tuple[RedisReplay, RedisReplay]) -> None:
    stores[0].spend(b"a-proof", 210)
    left = stores[1]._client.ttl(stores[1]._prefix + b"a-proof")
    assert 205 <= left <= 210


def test_a_proof_that_one_process_took_the_other_refuses(
    stores: tuple[RedisReplay, RedisReplay], issuer: FakeIssuer, key: AgentKey
) -> None:
    token = issuer.access_token(key, AUDIENCE)
    headers = headers_of(token, make_proof(key, token))
    answers = []
    for store in stores:
        with Verifier(issuer.url, AUDIENCE, replay=store, limits=False) as verifier:
            answers.append(verifier.check("GET", "/echo", headers))
    assert isinstance(answers[0], Verified)
    assert isinstance(answers[1], Refusal)
    assert answers[1].code == "invalid_dpop_proof"


def test_a_redis_that_is_gone_is_no_yes() -> None:
    gone = RedisReplay(redis.Redis(unix_socket_path="/nonexistent/redis.sock"))
    with pytest.raises(ReplayUnavailable):
        gone.spend(b"a-proof", 30)
