from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.revocation.batch import (
    NEXT,
    BatchError,
    Member,
    Role,
    State,
    WrongState,
    check_second_person,
    check_step,
    check_undo,
    check_view,
    digest_of,
    drift,
    needs_second_person,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD_ROLE = Role(since=NOON - 25 * HOUR, given_by="system:command")
members = st.builds(Member, type=st.just("account"), id=st.text("abc", min_size=1), account_id=st.text("abc"))


def code_of(function, **fields: object) -> str:
    with pytest.raises(BatchError) as refused:
        function(**fields)
    return refused.value.code


def test_a_batch_never_goes_back_half_way() -> None:
    assert NEXT[State.RUNNING] == {State.PAUSED, State.DONE}


@pytest.mark.parametrize(("current", "wanted"), list(product(State, State)))
def test_only_the_steps_of_the_table_are_taken(current: State, wanted: State) -> None:
    if wanted in NEXT[current]:
        check_step(current, wanted)
    else:
        with pytest.raises(WrongState):
            check_step(current, wanted)


@given(st.lists(members), st.randoms())
def test_the_digest_is_of_the_set_not_of_its_order(found: list[Member], random) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    common = {"effect": 3, "factor": 1.0, "environment": "live"}
    assert digest_of(found, **common) == digest_of(shuffled, **common)


@pytest.mark.parametrize("changed", [{"effect": 2}, {"factor": 0.5}, {"environment": "sandbox"}])
def test_the_digest_covers_what_is_to_be_done_to_the_set(changed: dict[str, object]) -> None:
    common: dict[str, object] = {"effect": 3, "factor": 1.0, "environment": "live"}
    assert digest_of([], **common) != digest_of([], **(common | changed))


def test_a_member_who_left_or_lost_a_link_breaks_an_approval() -> None:
    stored = [Member("account", one, one, frozenset({"device:1", "phone:2"})) for one in ("a", "b", "c")]
    both = frozenset({"device:1", "phone:2"})
    changed = drift(stored, {"a": both, "b": frozenset({"phone:2"})})
    assert (changed.left, changed.weakened, changed.breaks_approval) == (("c",), ("b",), True)


def test_a_newcomer_breaks_none() -> None:
    changed = drift([Member("account", "a", "a")], {"a": frozenset({"device:9"}), "z": frozenset()})
    assert (changed.newcomers, changed.breaks_approval) == (("z",), False)


@pytest.mark.parametrize(
    ("by_actor", "in_cluster", "needed"), [(25, 25, False), (26, 0, True), (0, 26, True)]
)
def test_above_twenty_five_accounts_two_people_decide(by_actor: int, in_cluster: int, needed: bool) -> None:
    assert needs_second_person(by_actor=by_actor, in_cluster=in_cluster) is needed


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"requester": "user:b"}, "own_request"),
        ({"role": None}, "not_an_approver"),
        ({"role": Role(NOON - 23 * HOUR, "system:command")}, "role_too_new"),
        ({"role": Role(NOON - 99 * HOUR, "user:a")}, "role_from_requester"),
    ],
)
def test_who_cannot_be_the_second_person(changed: dict[str, object], code: str) -> None:
    fields = {"approver": "user:b", "requester": "user:a", "role": OLD_ROLE, "now": NOON}
    check_second_person(**fields)
    assert code_of(check_second_person, **(fields | changed)) == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"viewed_at": None}, "not_viewed"),
        ({"viewed_at": NOON - timedelta(minutes=15, seconds=1)}, "view_too_old"),
        ({"viewed_digest": "other"}, "set_changed"),
        ({"set_digest": "other"}, "set_changed"),
        ({"given_digest": "other"}, "set_changed"),
    ],
)
def test_an_approval_is_of_what_was_seen_within_fifteen_minutes(
    changed: dict[str, object], code: str
) -> None:
    fields = {
        "viewed_at": NOON - timedelta(minutes=15), "viewed_digest": "d", "set_digest": "d", "given_digest": "d",
        "now": NOON,
    }  # fmt: skip
    check_view(**fields)
    assert code_of(check_view, **(fields | changed)) == code


def test_the_undo_window_closes_at_its_end() -> None:
    check_undo(undo_until=NOON + HOUR, now=NOON)
    check_undo(undo_until=None, now=NOON)
    assert code_of(check_undo, undo_until=NOON, now=NOON) == "window_closed"
