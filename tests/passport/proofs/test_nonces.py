"""Nonces of ours: their time, and that nobody else can make one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.jose import base64url
from passport.proofs import nonces

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "good"),
    [(-6, False), (-4, True), (0, True), (59, True), (119, True), (120, False), (3600, False)],
)
def test_a_nonce_is_good_for_two_minutes_and_a_clock_a_little_behind(age: int, good: bool) -> None:
    assert nonces.is_valid(nonces.issue(NOON), NOON + timedelta(seconds=age)) is good


def test_it_tells_when_it_was_given_out() -> None:
    assert nonces.issued_at(nonces.issue(NOON)) == NOON


def test_its_time_cannot_be_moved() -> None:
    raw = bytearray(base64url.decode(nonces.issue(NOON)))
    raw[7] ^= 1
    assert not nonces.is_valid(base64url.encode(bytes(raw)), NOON)


def test_a_nonce_under_an_older_key_of_the_ring_is_good_until_that_key_leaves(settings) -> None:
    nonce = nonces.issue(NOON)
    settings.KEY_RING = {"newer": b"n" * 32, **settings.KEY_RING}
    assert nonces.is_valid(nonce, NOON)
    assert nonces.issue(NOON) != nonce
    settings.KEY_RING = {"newer": b"n" * 32}
    assert not nonces.is_valid(nonce, NOON)


@pytest.mark.parametrize("nonce", ["", "x", "é", "\ud800", "A" * 5000])
def test_anything_else_is_not_good(nonce: str) -> None:
    assert not nonces.is_valid(nonce, NOON)


@given(st.text(max_size=60))
def test_whatever_is_sent_is_not_one_of_ours(text: str) -> None:
    assert not nonces.is_valid(text, NOON)
