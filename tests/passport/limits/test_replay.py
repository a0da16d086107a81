"""What terms would have refused."""

from hypothesis import given
from hypothesis import strategies as st

from passport.limits.gcra import rate_of
from passport.limits.policies import Terms
from passport.limits.replay import Demand, replay

MINUTE = 60_000_000
TEN = Terms("minute", 10, 60, rate_of(10, 60, 10))


def test_what_comes_above_the_quota_is_refused_and_only_to_whom_it_came() -> None:
    asked = [Demand("a", MINUTE, 12), Demand("b", MINUTE, 10), Demand("a", 2 * MINUTE, 10)]
    outcome = replay(TEN, asked)
    assert (outcome.asked, outcome.refused, outcome.subjects, outcome.subjects_refused) == (32, 2, 2, 1)


def test_of_what_comes_at_once_a_part_may_pass() -> None:
    outcome = replay(TEN, [Demand("a", MINUTE, 1000)])
    assert outcome.refused == 990


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=30))
def test_never_more_passes_than_the_bucket_and_its_flow(steps) -> None:
    at_us, demands = MINUTE, []
    for seconds, units in steps:
        at_us += seconds * 1_000_000
        demands.append(Demand("a", at_us, units))
    outcome = replay(TEN, demands)
    assert outcome.asked - outcome.refused <= 10 + (at_us - MINUTE) // 6_000_000 + 1
