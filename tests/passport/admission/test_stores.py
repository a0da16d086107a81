"""One test body for Redis, in-process and database admission."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passport.admission.contract import partition_of
from passport.admission.judge import Tats, judge
from passport.limits.buckets import Floor
from passport.limits.gcra import Rate
from tests.passport.admission.asking import NOON_US, SECOND, ask, bucket, fresh, proof

pytestmark = pytest.mark.embedded


def test_a_proof_is_taken_once(store) -> None:
    first = proof()
    assert store.admit(ask(spent=(first,))).taken
    verdict = store.admit(ask(spent=(proof(), first)))
    assert (verdict.taken, verdict.replayed) == (False, 1)


def test_a_refused_replay_spends_neither_the_other_proof_nor_a_unit(store) -> None:
    old, new, key = proof(), proof(), fresh("b")
    store.admit(ask(spent=(old,)))
    assert not store.admit(ask(bucket(key, 1), spent=(new, old))).taken
    assert store.admit(ask(bucket(key, 1), spent=(new,))).taken


def test_the_same_proof_twice_in_one_request_is_a_replay(store) -> None:
    twice = proof()
    assert store.admit(ask(spent=(twice, twice))).replayed is not None


def test_one_empty_bucket_refuses_and_charges_none(store) -> None:
    small, large, spent = fresh("b"), fresh("b"), proof()
    store.admit(ask(bucket(small, 1)))
    verdict = store.admit(ask(bucket(large, 5), bucket(small, 1), spent=(spent,)))
    assert verdict.refused is not None
    assert verdict.refused.key == small
    assert verdict.retry_after_us == SECOND
    assert [left.left.units for left in verdict.remaining] == [5, 0]
    assert store.admit(ask(bucket(large, 5), spent=(spent,))).remaining[0].left.units == 4


def test_the_longest_wait_is_the_one_that_is_told(store) -> None:
    short, long = fresh("b"), fresh("b")
    both = (bucket(short, 1), bucket(long, 1, emission_us=7 * SECOND))
    store.admit(ask(*both))
    verdict = store.admit(ask(*both))
    assert verdict.refused is not None
    assert (verdict.refused.key, verdict.retry_after_us) == (long, 7 * SECOND)


def test_units_come_back_with_time(store) -> None:
    key = fresh("b")
    store.admit(ask(bucket(key, 2, cost=2)))
    assert not store.admit(ask(bucket(key, 2), now_us=NOON_US + SECOND - 1)).taken
    assert store.admit(ask(bucket(key, 2), now_us=NOON_US + SECOND)).taken


def test_a_cost_that_no_wait_can_meet_is_refused(store) -> None:
    verdict = store.admit(ask(bucket(fresh("b"), 3, cost=4)))
    assert not verdict.taken
    assert verdict.retry_after_us >= 60 * SECOND


def test_a_bucket_that_gives_nothing_refuses(store) -> None:
    assert not store.admit(ask(bucket(fresh("b"), 0))).taken


def test_part_of_what_is_asked_is_charged_alike_everywhere(store) -> None:
    small, large = fresh("b"), fresh("b")
    verdict = store.admit(ask(bucket(small, 2, cost=5), bucket(large, 9, cost=5), partial=True))
    assert (verdict.taken, verdict.units) == (True, 2)
    assert [left.left.units for left in verdict.remaining] == [0, 7]
    assert store.admit(ask(bucket(small, 2, cost=5), partial=True)).units == 0


def test_a_member_lives_on_its_floor_when_the_shared_bucket_is_empty(store) -> None:
    shared, mine = fresh("shared"), fresh("floor")
    store.admit(ask(bucket(shared, 4, cost=4)))
    with_floor = bucket(shared, 4, floor=Floor(mine, Rate(1, 20 * SECOND)))
    assert store.admit(ask(with_floor)).taken
    assert not store.admit(ask(with_floor)).taken
    assert not store.admit(ask(bucket(shared, 4))).taken


requests = st.lists(
    st.tuples(
        st.integers(0, 3),  # which proof
        st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=3, unique_by=lambda pair: pair[0]),
        st.integers(1, 4),  # cost
        st.integers(-3 * SECOND, 5 * SECOND),  # the clock's step
        st.booleans(),  # part of it will do
    ),
    max_size=12,
)
BURSTS = (2, 3, 7)


@given(requests)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_store_decides_as_the_pure_rule_does(store, asked) -> None:
    """Whatever comes in whatever order, and with clocks that step back."""
    run, held, seen, now_us = fresh("run"), {}, set(), NOON_US
    for which, names, cost, step, partial in asked:
        now_us += step
        buckets = [
            bucket(
                f"{run}:{number}",
                BURSTS[number],
                cost=cost,
                floor=Floor(f"{run}:{number}:f", Rate(1, SECOND)) if floored else None,
            )
            for number, floored in names
        ]
        admission = ask(*buckets, spent=(proof(f"{run}{which}"),), now_us=now_us, partial=partial)
        tats = [Tats(held.get(b.key, 0), held.get(b.floor.key, 0) if b.floor else 0) for b in buckets]
        expected = judge(admission, tats)
        verdict = store.admit(admission)
        if which in seen:
            assert verdict.replayed == 0
            continue
        assert verdict.taken == (expected.refused is None)
        assert verdict.units == expected.units
        assert verdict.retry_after_us == expected.retry_after_us
        if verdict.taken:
            seen.add(which)
            for b, after in zip(buckets, expected.tats, strict=True):
                held[b.key] = after.main_us
                if b.floor:
                    held[b.floor.key] = after.floor_us


def test_partitions_are_the_same_in_every_process() -> None:
    assert partition_of("acc_01") == partition_of("acc_01")
    assert {partition_of(f"acc_{number}") for number in range(9000)} == {f"p{n:03d}" for n in range(256)}


RECORD = {
    "jti": "at_1", "root": "pp_1", "account_id": "acc_1", "agent": "agent_1", "audience": "https://model.example",
    "scopes": "model:infer", "issued_at": 1_795_000_000, "expires_at": 1_795_000_300,
}  # fmt: skip


def test_only_what_was_taken_is_recorded(store, records) -> None:
    key = fresh("b")
    store.admit(ask(bucket(key, 1), record=RECORD))
    store.admit(ask(bucket(key, 1), record={**RECORD, "jti": "at_2"}))
    assert records() == ["at_1"]
