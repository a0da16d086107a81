from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attestation.levels import IDENTITY, PAYMENT
from passport.errors import InvalidRequest, InvalidScope, InvalidTarget
from passport.exchange.policy import (
    ACCESS_TOKEN_LIFE,
    Held,
    Limit,
    Needs,
    Target,
    clip_limits,
    lacks,
    narrow,
    parse_scopes,
    parse_target,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODEL = "https://model.example"
INFER, EMBED = "model:infer", "model:embed"
HELD = Held(frozenset({INFER, EMBED}), NOON + timedelta(days=30), "live", "document", "instrument")
TARGET = Target(
    MODEL,
    "live",
    True,
    {INFER: Needs("document", "instrument"), EMBED: Needs("document", "charged")},
    frozenset({INFER, EMBED}),
)


def test_a_scope_that_is_held_and_offered_is_granted_for_five_minutes() -> None:
    granted = narrow(HELD, frozenset({INFER}), TARGET, now=NOON)
    assert granted.scopes == {INFER}
    assert granted.expires_at == NOON + timedelta(minutes=5)


def test_the_new_token_never_outlives_the_old() -> None:
    held = replace(HELD, expires_at=NOON + timedelta(minutes=2))
    assert narrow(held, None, TARGET, now=NOON).expires_at == NOON + timedelta(minutes=2)


def test_a_token_with_less_than_five_seconds_left_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        narrow(replace(HELD, expires_at=NOON + timedelta(seconds=4)), None, TARGET, now=NOON)


def test_a_scope_not_held_is_refused_by_name_and_nothing_is_narrowed() -> None:
    with pytest.raises(InvalidScope, match="model:train"):
        narrow(HELD, frozenset({INFER, "model:train"}), TARGET, now=NOON)


def test_a_scope_above_the_owners_level_is_refused_naming_the_level() -> None:
    with pytest.raises(InvalidScope, match="payment level charged, yours is instrument"):
        narrow(HELD, frozenset({EMBED}), TARGET, now=NOON)


def test_without_scope_the_answer_holds_what_the_levels_bear() -> None:
    assert narrow(HELD, None, TARGET, now=NOON).scopes == {INFER}


def test_without_scope_and_without_a_level_the_level_is_named() -> None:
    with pytest.raises(InvalidScope, match="identity level document, yours is email"):
        narrow(replace(HELD, identity="email"), None, TARGET, now=NOON)


@pytest.mark.parametrize(
    "target",
    [
        None,
        replace(TARGET, enabled=False),
        replace(TARGET, environment="sandbox"),
        replace(TARGET, granted=frozenset()),
    ],
    ids=["unknown", "disabled", "other environment", "nothing granted"],
)
def test_a_service_out_of_reach_is_an_invalid_target(target: Target | None) -> None:
    with pytest.raises(InvalidTarget):
        narrow(HELD, None, target, now=NOON)


names = st.frozensets(st.sampled_from(["a", "b", "c", "d"]))
moments = st.integers(-60, 3600).map(lambda seconds: NOON + timedelta(seconds=seconds))
environments = st.sampled_from(["live", "sandbox"])
identities, payments = st.sampled_from(IDENTITY), st.sampled_from(PAYMENT)
helds = st.builds(Held, names, moments, environments, identities, payments)
needs = st.builds(Needs, identities, payments)
offers = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), needs)
targets = st.none() | st.builds(Target, st.just(MODEL), environments, st.booleans(), offers, names)


@given(helds, st.none() | names.filter(bool), targets)
def test_whatever_is_asked_nothing_is_gained(
    held: Held, asked: frozenset[str] | None, target: Target | None
) -> None:
    try:
        granted = narrow(held, asked, target, now=NOON)
    except (InvalidScope, InvalidTarget, InvalidRequest):
        return
    assert target is not None
    assert target.enabled
    assert target.environment == held.environment
    assert granted.scopes
    assert granted.scopes <= held.scopes & target.granted & target.offered.keys()
    assert asked is None or granted.scopes == asked
    assert granted.expires_at <= min(held.expires_at, NOON + ACCESS_TOKEN_LIFE)
    assert not any(lacks(held, target.offered[scope]) for scope in granted.scopes)


limits = st.lists(
    st.builds(
        Limit, st.sampled_from("ab"), st.sampled_from(["m", "d"]), st.integers(1, 9), st.integers(1, 9)
    ),
    unique_by=lambda limit: (limit.scope, limit.policy),
)


@given(limits, limits)
def test_no_limit_becomes_wider_than_it_was(held: list[Limit], current: list[Limit]) -> None:
    clipped = clip_limits(held, current)
    rates = {(limit.scope, limit.policy): limit.quota / limit.window_seconds for limit in held}
    assert [(limit.scope, limit.policy) for limit in clipped] == [(c.scope, c.policy) for c in current]
    for now_, was in zip(clipped, current, strict=True):
        rate = now_.quota / now_.window_seconds
        assert rate <= was.quota / was.window_seconds
        assert rate <= rates.get((now_.scope, now_.policy), rate)


def test_scopes_are_a_list_of_names_with_single_spaces() -> None:
    assert parse_scopes("b a") == {"a", "b"}
    assert parse_scopes(None) is None


@pytest.mark.parametrize("raw", ["a  b", " a", 'a"b', "a\\b", "a\tb", "é", "a\x7f", "a" * 4097])
def test_a_malformed_scope_is_refused(raw: str) -> None:
    with pytest.raises(InvalidScope):
        parse_scopes(raw)


def test_one_target_named_twice_is_one_target() -> None:
    assert parse_target([MODEL, MODEL], [MODEL]) == MODEL


@pytest.mark.parametrize(
    "resources",
    [
        [],
        [MODEL, "https://other.example"],
        ["/v1"],
        ["model"],
        [MODEL + "#a"],
        [MODEL + " "],
        ["https://[::"],
    ],
)
def test_none_two_relative_or_broken_targets_are_refused(resources: list[str]) -> None:
    with pytest.raises(InvalidTarget):
        parse_target(resources, [])


@given(st.lists(st.text(), max_size=2), st.lists(st.text(), max_size=2))
def test_any_text_is_a_target_or_a_refusal(resources: list[str], audiences: list[str]) -> None:
    try:
        target = parse_target(resources, audiences)
    except InvalidTarget:
        return
    assert {target} == set(resources) | set(audiences)
