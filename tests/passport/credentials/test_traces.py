"""Trace tags: opaque, pairwise, read by us alone."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.sealing import keys
from passport.credentials.traces import find_traced, trace_of
from tests.cast import MODEL, SEARCH, Actor, TokenEndpoint, claims_of, granted

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)


def test_a_tag_is_read_back_to_agent_service_and_minute() -> None:
    traced = find_traced(trace_of(4711, MODEL, NOON), [SEARCH, MODEL])
    assert traced is not None
    assert (traced.agent_pk, traced.audience, traced.issued_at) == (4711, MODEL, NOON.replace(second=0))


def test_two_services_and_two_minutes_see_tags_that_have_nothing_in_common() -> None:
    tags = {
        trace_of(1, MODEL, NOON),
        trace_of(1, SEARCH, NOON),
        trace_of(1, MODEL, NOON + timedelta(minutes=1)),
    }
    assert len(tags) == 3
    assert trace_of(1, MODEL, NOON) in tags


@given(st.binary(min_size=16, max_size=16))
def test_a_made_up_tag_is_nobodys(raw) -> None:
    assert find_traced(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), [MODEL, SEARCH]) is None


@pytest.mark.parametrize("tag", ["", "x", "!" * 22, "é" * 22, "A" * 23])
def test_what_is_no_tag_is_nobodys(tag) -> None:
    assert find_traced(tag, [MODEL]) is None


def test_a_tag_outlives_the_rotation_of_the_key_ring(settings) -> None:
    tag = trace_of(7, MODEL, NOON)
    settings.KEY_RING = {"newer": b"n" * 32, **settings.KEY_RING}
    assert keys.newest() == "newer"
    assert trace_of(7, MODEL, NOON) != tag
    assert find_traced(tag, [MODEL]) is not None


@pytest.mark.django_db
def test_every_access_token_of_an_agent_carries_the_tag_of_its_service(
    endpoint: TokenEndpoint, scout: Actor, scouts_passport: str
) -> None:
    tag = claims_of(granted(endpoint.exchange(scouts_passport, key=scout.key)))["trace"]
    traced = find_traced(tag, [SEARCH, MODEL])
    assert traced is not None
    assert (traced.agent_pk, traced.audience) == (scout.agent.pk, MODEL)
