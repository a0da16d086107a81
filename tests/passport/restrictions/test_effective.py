from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from passport.fields import Effect
from passport.protocol import INVALID, SUSPENDED, VALID
from passport.restrictions.effective import Placed, is_good, own, status_value, strongest

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
effects = st.sampled_from(Effect)
placed = st.builds(
    Placed,
    effect=st.sampled_from([Effect.THROTTLE, Effect.SUSPEND, Effect.REVOKE]),
    factor=st.floats(0, 1),
    ends_at=st.none() | st.integers(-2, 2).map(lambda hours: NOON + timedelta(hours=hours)),
    lifted_at=st.none() | st.just(NOON),
)


@given(st.lists(placed))
def test_a_subject_without_an_active_suspend_or_revoke_is_good(restrictions: list[Placed]) -> None:
    active = [one for one in restrictions if one.is_active(NOON)]
    covered = any(one.effect >= Effect.SUSPEND for one in active)
    assert is_good(own(restrictions, NOON).effect) is not covered


@given(st.lists(placed), st.randoms())
def test_the_order_of_restrictions_does_not_matter(restrictions: list[Placed], random) -> None:
    shuffled = restrictions.copy()
    random.shuffle(shuffled)
    assert own(shuffled, NOON) == own(restrictions, NOON)


@given(st.lists(effects, min_size=5, max_size=5))
def test_a_credential_is_as_restricted_as_its_most_restricted_subject(five: list[Effect]) -> None:
    assert all(strongest(five) >= one for one in five)
    assert strongest(five) in five


def test_a_restriction_ends_at_its_end_not_after() -> None:
    assert not Placed(Effect.SUSPEND, ends_at=NOON).is_active(NOON)


def test_a_throttled_credential_is_published_as_valid() -> None:
    assert status_value(Effect.THROTTLE, settled=False) == VALID


def test_a_revoke_that_may_be_undone_is_published_as_suspended() -> None:
    assert status_value(Effect.REVOKE, settled=False) == SUSPENDED


def test_a_settled_revoke_is_published_as_invalid() -> None:
    assert status_value(Effect.REVOKE, settled=True) == INVALID


def test_a_settled_revoke_of_another_subject_does_not_make_a_suspend_final() -> None:
    assert status_value(Effect.SUSPEND, settled=True) == SUSPENDED
