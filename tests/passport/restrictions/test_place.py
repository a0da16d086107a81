from datetime import timedelta

import pytest

from foundation.ledger.models import Entry
from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.lock import issuing_lock
from passport.restrictions.models import AccountState, Restriction
from passport.restrictions.place import CannotLift, expire, lift, place, settle_windows
from passport.restrictions.subjects import Subject, SubjectRef
from passport.status.models import StatusMark
from tests.passport.population import NOON, account, agent, household, key, passport

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def on_account(name: str) -> SubjectRef:
    return SubjectRef(Subject.ACCOUNT, f"acc_{name}", f"acc_{name}")


def suspend(*subjects: SubjectRef, effect: Effect = Effect.SUSPEND, **fields: object) -> list[int]:
    place(list(subjects), effect=effect, reason="abuse", actor="user:usr_1", now=NOON, **fields)
    return list(Restriction.objects.order_by("-pk").values_list("pk", flat=True)[: len(subjects)])


def effect_of(name: str) -> int:
    return AccountState.objects.get(pk=f"acc_{name}").effect


def test_a_suspended_account_keeps_its_strongest_effect_when_a_weaker_one_is_added() -> None:
    account("alice")
    suspend(on_account("alice"), effect=Effect.REVOKE)
    suspend(on_account("alice"), effect=Effect.THROTTLE, factor=0.5)
    assert effect_of("alice") == Effect.REVOKE
    assert AccountState.objects.get(pk="acc_alice").factor == 0.5


def test_lifting_one_of_two_leaves_the_other_in_force() -> None:
    account("alice")
    first = suspend(on_account("alice"), effect=Effect.REVOKE)
    suspend(on_account("alice"))
    assert lift(first, actor="user:usr_1", now=NOON, reason="mistake") == 1
    assert effect_of("alice") == Effect.SUSPEND


def test_lifting_twice_lifts_once() -> None:
    account("alice")
    ids = suspend(on_account("alice"))
    assert lift(ids, actor="user:usr_1", now=NOON, reason="mistake") == 1
    assert lift(ids, actor="user:usr_1", now=NOON, reason="mistake") == 0


def test_a_final_revoke_cannot_be_lifted_and_nothing_beside_it_is() -> None:
    account("alice")
    final = suspend(on_account("alice"), effect=Effect.REVOKE, final=True)
    other = suspend(on_account("alice"))
    with pytest.raises(CannotLift):
        lift(final + other, actor="user:usr_1", now=NOON, reason="mistake")
    assert Restriction.objects.filter(lifted_at=None).count() == 2


def test_what_has_an_end_is_lifted_at_its_end() -> None:
    account("alice")
    suspend(on_account("alice"), ends_at=NOON + HOUR)
    assert expire(NOON + HOUR - timedelta(seconds=1)) == 0
    assert expire(NOON + HOUR) == 1
    assert effect_of("alice") == Effect.NONE


def test_an_agent_is_suspended_without_its_account() -> None:
    living = household("alice")
    suspend(SubjectRef(Subject.AGENT, living.agent.client_id, "acc_alice"))
    assert Agent.objects.get().effect == Effect.SUSPEND
    assert effect_of("alice") == Effect.NONE


def test_issued_before_covers_the_passports_issued_before_it_and_no_other() -> None:
    bot = agent(account("alice"), "alice")
    held = key(bot)
    old = passport(bot, held, issued_at=NOON - 2 * HOUR, jti="pp_old")
    new = passport(bot, held, issued_at=NOON - HOUR, jti="pp_new")
    assert suspend(on_account("alice"), effect=Effect.REVOKE, issued_before=NOON - HOUR)
    assert Passport.objects.get(pk=old.pk).effect == Effect.REVOKE
    assert Passport.objects.get(pk=new.pk).effect == Effect.NONE
    assert effect_of("alice") == Effect.NONE


def test_a_revoke_is_final_once_its_undo_window_has_closed() -> None:
    account("alice")
    ids = suspend(on_account("alice"), effect=Effect.REVOKE, undo_until=NOON + HOUR)
    assert settle_windows(NOON + HOUR) == 1
    with pytest.raises(CannotLift):
        lift(ids, actor="user:usr_1", now=NOON + 2 * HOUR, reason="late")


def test_each_change_leaves_an_entry_and_a_mark() -> None:
    account("alice")
    lift(suspend(on_account("alice")), actor="user:usr_1", now=NOON, reason="mistake")
    assert list(Entry.objects.order_by("pk").values_list("type", flat=True)) == [
        "restriction.placed",
        "restriction.lifted",
    ]
    assert StatusMark.objects.count() == 2


@pytest.mark.parametrize(
    ("effect", "fields"),
    [
        (Effect.NONE, {}),
        (Effect.SUSPEND, {"factor": 0.5}),
        (Effect.THROTTLE, {"factor": 1.5}),
        (Effect.REVOKE, {"ends_at": NOON + HOUR}),
        (Effect.SUSPEND, {"ends_at": NOON}),
        (Effect.SUSPEND, {"final": True}),
        (Effect.SUSPEND, {"issued_before": NOON + HOUR}),
    ],
)
def test_a_combination_without_meaning_is_refused(effect: Effect, fields: dict[str, object]) -> None:
    account("alice")
    with pytest.raises(ValueError):
        suspend(on_account("alice"), effect=effect, **fields)
    assert not Restriction.objects.exists()


def test_what_has_no_budget_is_not_throttled() -> None:
    with pytest.raises(ValueError):
        suspend(SubjectRef(Subject.KEY, "key_x", "acc_x"), effect=Effect.THROTTLE, factor=0.5)


def test_issuing_reads_the_state_it_locks() -> None:
    account("alice")
    suspend(on_account("alice"))
    assert issuing_lock("acc_alice").effect == Effect.SUSPEND


def test_issuing_makes_the_state_of_a_new_account() -> None:
    account("alice")
    assert issuing_lock("acc_alice").effect == Effect.NONE


def test_two_thousand_accounts_take_as_many_statements_as_one(django_assert_max_num_queries) -> None:
    from accounts.owners.models import Account

    Account.objects.bulk_create([Account(id=f"acc_{n}", name=str(n)) for n in range(2000)])
    with django_assert_max_num_queries(20):
        suspend(*[on_account(str(n)) for n in range(2000)])
    assert AccountState.objects.filter(effect=Effect.SUSPEND).count() == 2000
