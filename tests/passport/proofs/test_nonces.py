from datetime import UTC, datetime, timedelta

import pytest

from passport.proofs import nonces

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
"""The first moment of a minute."""


@pytest.mark.parametrize(
    ("age", "good"), [(0, True), (59, True), (119, True), (120, False), (-1, False), (3600, False)]
)
def test_a_nonce_is_good_in_its_minute_and_the_next(age: int, good: bool) -> None:
    assert nonces.is_valid(nonces.issue(START), START + timedelta(seconds=age)) is good


def test_a_nonce_under_an_older_key_of_the_ring_is_good_until_that_key_leaves(settings) -> None:
    nonce = nonces.issue(START)
    settings.KEY_RING = {"newer": b"n" * 32, **settings.KEY_RING}
    assert nonces.is_valid(nonce, START)
    assert nonces.issue(START) != nonce
    settings.KEY_RING = {"newer": b"n" * 32}
    assert not nonces.is_valid(nonce, START)


@pytest.mark.parametrize("nonce", ["", "x", "é", "\ud800", "A" * 5000])
def test_anything_else_is_not_good(nonce: str) -> None:
    assert not nonces.is_valid(nonce, START)
