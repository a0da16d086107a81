"""The arithmetic of a bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.limits.gcra import Decision, Rate, decide, peek, rate_of

NOON_US = 1_795_000_000_000_000
rates = st.builds(Rate, st.integers(1, 200), st.integers(1, 5_000_000))


def test_a_full_bucket_gives_its_burst_at_once_and_no_more() -> None:
    rate = Rate(burst=3, emission_us=1_000_000)
    tat_us = 0
    for _ in range(3):
        decision = decide(rate, cost=1, tat_us=tat_us, now_us=NOON_US)
        assert decision.retry_after_us == 0
        tat_us = decision.tat_us
    assert decide(rate, cost=1, tat_us=tat_us, now_us=NOON_US) == Decision(tat_us, 1_000_000)


def test_the_stated_wait_is_exactly_enough() -> None:
    rate = Rate(burst=2, emission_us=700)
    empty = decide(rate, cost=2, tat_us=0, now_us=NOON_US).tat_us
    wait_us = decide(rate, cost=2, tat_us=empty, now_us=NOON_US).retry_after_us
    assert decide(rate, cost=2, tat_us=empty, now_us=NOON_US + wait_us - 1).retry_after_us == 1
    assert decide(rate, cost=2, tat_us=empty, now_us=NOON_US + wait_us).retry_after_us == 0


@pytest.mark.parametrize("cost", [-1, 0, 4])
def test_a_cost_that_could_never_pass_is_an_error(cost: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        decide(Rate(3, 10), cost=cost, tat_us=0, now_us=NOON_US)


def test_an_uneven_quota_is_rounded_against_the_caller() -> None:
    assert rate_of(7, 60, 7).emission_us * 7 >= 60_000_000


def test_a_burst_never_exceeds_the_quota() -> None:
    assert rate_of(5, 60, 50).burst == 5


@given(rates, st.lists(st.tuples(st.integers(1, 50), st.integers(0, 20_000_000)), max_size=60))
def test_no_stretch_of_time_gives_more_than_burst_plus_flow(rate, asked) -> None:
    tat_us, now_us, taken = 0, NOON_US, []
    for cost, later_us in asked:
        now_us += later_us
        if cost <= rate.burst:
            decision = decide(rate, cost=cost, tat_us=tat_us, now_us=now_us)
            if not decision.retry_after_us:
                taken.append((now_us, cost))
            tat_us = decision.tat_us
    for start in range(len(taken)):
        units = 0
        for at_us, cost in taken[start:]:
            units += cost
            assert units <= rate.burst + (at_us - taken[start][0]) / rate.emission_us


@given(rates, st.lists(st.integers(-30_000_000, 30_000_000), max_size=40))
def test_a_clock_that_steps_back_gives_nothing_extra(rate, steps) -> None:
    tat_us, now_us, units, moments = 0, NOON_US, 0, [NOON_US]
    for step in steps:
        now_us += step
        moments.append(now_us)
        decision = decide(rate, cost=1, tat_us=tat_us, now_us=now_us)
        units += not decision.retry_after_us
        assert decision.tat_us >= tat_us
        tat_us = decision.tat_us
    # From the earliest moment that was asked at, which a step back may have put before noon.
    assert units <= rate.burst + (max(moments) - min(moments)) / rate.emission_us


@given(rates, st.integers(1, 200), st.integers(-50_000_000, 400_000_000))
def test_peek_and_decide_agree(rate, cost, debt_us) -> None:
    tat_us = NOON_US + debt_us
    left = peek(rate, tat_us=tat_us, now_us=NOON_US)
    if cost <= rate.burst:
        passes = decide(rate, cost=cost, tat_us=tat_us, now_us=NOON_US).retry_after_us == 0
        assert passes == (left.units >= cost)
