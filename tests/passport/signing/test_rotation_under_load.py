"""A rotation while agents exchange and a service verifies: no good token is refused, and none fails to come."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from agent_passport._jws import parse
from agent_passport._keyset import KeySet
from foundation import clock as the_clock
from passport.limits.models import LimitPolicy
from passport.oauth.introspection import introspection_of
from passport.signing import keys, life
from tests.cast import TokenEndpoint, granted, header_of

WORKERS, EACH = 4, 12


@pytest.fixture
def unlimited(house) -> None:
    for level, name in (("credential", "agent"), ("account", "account")):
        LimitPolicy.objects.create(
            service=None,
            scope="token",
            name=name,
            applies_to=level,
            quota=10_000,
            window_seconds=60,
            burst=10_000,
        )


@pytest.mark.django_db(transaction=True)
def test_no_good_token_is_refused_while_the_key_changes(
    endpoint, scout, scouts_passport, model, unlimited, clock
) -> None:
    keys.ensure_keys()
    known = KeySet()
    known.replace(endpoint.client.get("/.well-known/jwks.json").json(), clock.now().timestamp())
    half = threading.Barrier(WORKERS + 1, timeout=60)

    def work(_: int) -> list[str]:
        own = TokenEndpoint(Client())
        try:
            tokens = []
            for number in range(EACH):
                if number == EACH // 2:
                    half.wait()
                token = granted(own.exchange(scouts_passport, key=scout.key))
                assert introspection_of(token, model, the_clock.now())["active"]
                tokens.append(token)
            return tokens
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        working = [pool.submit(work, number) for number in range(WORKERS)]
        half.wait()
        first = keys.active().kid
        life.SigningKey.objects.filter(state="next").update(
            created_at=clock.now() - life.PUBLISHED_BEFORE_USE
        )
        second = keys.rotate(actor="user:usr_1", now=clock.now())
        tokens = [token for done in working for token in done.result()]
    for token in tokens:
        known.verify(parse(token, max_bytes=16_384))
        assert introspection_of(token, model, the_clock.now())["active"]
    assert len(tokens) == WORKERS * EACH
    assert {header_of(token)["kid"] for token in tokens} == {first, second}
