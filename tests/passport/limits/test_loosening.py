"""What counts as giving more: asked of the terms that hold, for anybody."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation.levels import IDENTITY
from passport.limits.buckets import Level
from passport.limits.loosening import is_looser, lets_more_through
from passport.limits.policies import DEFAULTS, Policy, matching, resolve

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROW = Policy(1, "svc", "", "minute", "credential", "", 60, 60, 60)


def more(before, after, service_id="svc"):
    return lets_more_through(before, after, service_id=service_id, now=NOON)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([ROW], False),
        ([replace(ROW, quota=61)], True),
        ([replace(ROW, burst=10)], False),
        ([], True),
        ([ROW, replace(ROW, tier="document", quota=600, burst=600)], True),
        ([ROW, replace(ROW, tier="document", quota=6, burst=6)], False),
        ([ROW, replace(ROW, name="day", quota=9)], False),
        ([replace(ROW, scope="model:infer")], True),
        ([replace(ROW, applies_to="account")], True),
    ],
)
def test_more_for_anybody_is_more(after, expected) -> None:
    assert more([ROW], after) is expected


def test_at_the_token_endpoint_the_defaults_are_what_holds_before() -> None:
    agent = next(row for row in DEFAULTS if row.name == "agent")
    wide = Policy(0, "", "token", "agent", "credential", "", agent.quota + 1, 60, agent.burst)
    assert more([], [wide], "")
    assert not more([], [replace(wide, quota=6, burst=6)], "")


rows = st.lists(
    st.builds(
        Policy,
        id=st.just(1), service_id=st.just("svc"), scope=st.sampled_from(["", "a"]), name=st.sampled_from("mn"),
        applies_to=st.sampled_from(["credential", "account"]), tier=st.sampled_from(["", "federated", "document"]),
        quota=st.integers(1, 9), window_seconds=st.integers(1, 3), burst=st.integers(1, 9),
    ),
    max_size=4, unique_by=lambda row: (row.scope, row.name, row.applies_to, row.tier),
)  # fmt: skip


@settings(max_examples=60)
@given(rows, rows)
def test_where_it_says_no_nobody_is_held_to_less(before, after) -> None:
    if more(before, after):
        return
    for scope in ("a", "b"):
        for level in (Level.CREDENTIAL, Level.ACCOUNT):
            for identity in IDENTITY:
                old = {
                    one.name: one for one in resolve(matching(before, "svc", scope), level, identity, NOON)
                }
                new = {one.name: one for one in resolve(matching(after, "svc", scope), level, identity, NOON)}
                assert old.keys() <= new.keys()
                assert not any(is_looser(new[name], terms) for name, terms in old.items())
