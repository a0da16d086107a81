"""Who may change a limit, and what a change does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from accounts.people.models import User
from accounts.people.roles import give_role
from foundation import clock as the_clock
from foundation.ledger.models import Entry
from passport.limits import changes
from passport.limits.changes import ChangeRefused, OverrideTerms, PolicyTerms
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.safety.limits import decide
from tests import people
from tests.cast import INFER, open_account

pytestmark = pytest.mark.django_db

ANN = "user:usr_ann"
MINUTE = PolicyTerms("", INFER, "minute", "credential", "", 60, 60, 60)


@pytest.fixture
def minute(model) -> PolicyTerms:
    """The model service lets each agent infer 60 times a minute."""
    terms = replace(MINUTE, service_id=model.pk)
    apply(changes.prepare_policy(terms, reason="opens", actor=ANN, now=the_clock.now()))
    return terms


@pytest.fixture
def second(clock) -> str:
    """Ben, an approver since two days, by the hand of Olga."""
    olga = people.person("olga@example.com", is_staff=True)
    olga.groups.add(Group.objects.get_or_create(name="operator")[0])
    ben = people.person("ben@example.com", is_staff=True)
    at = clock.now() - timedelta(days=2)
    give_role(ben, "approver", actor=f"user:{olga.pk}", reason="second eyes", now=at)
    return f"user:{ben.pk}"


def apply(change: LimitChange, actor: str = ANN) -> None:
    decide(change, actor=actor, now=the_clock.now())


def prepared(terms: PolicyTerms) -> LimitChange:
    return changes.prepare_policy(terms, reason="too much", actor=ANN, now=the_clock.now())


def exception(policy: LimitPolicy, quota: int, account_id: str = "acc_alice") -> LimitChange:
    now = the_clock.now()
    terms = OverrideTerms(account_id, policy.pk, quota, quota, now + timedelta(days=7))
    return changes.prepare_override(terms, reason="a launch", actor=ANN, now=now)


def test_what_is_prepared_does_not_hold_yet(minute) -> None:
    prepared(replace(minute, quota=30, burst=30))
    assert LimitPolicy.objects.get().quota == 60


def test_lowering_needs_one_person_and_stands_in_the_ledger_with_before_and_after(minute) -> None:
    apply(prepared(replace(minute, quota=30, burst=30)))
    assert (LimitPolicy.objects.get().quota, LimitPolicy.objects.get().burst) == (30, 30)
    payload = Entry.objects.filter(type="limits.changed").latest("id").payload
    assert (payload["before"]["quota"], payload["after"]["quota"]) == (60, 30)


@pytest.mark.parametrize("change", [{"quota": 90}, {"window_seconds": 30}, {"tier": "document", "quota": 90}])
def test_raising_by_whoever_asks_is_refused(minute, change) -> None:
    with pytest.raises(ChangeRefused, match="second person"):
        apply(prepared(replace(minute, **change)))
    assert LimitPolicy.objects.get().quota == 60


def test_raising_with_a_second_person_holds(minute, second) -> None:
    change = prepared(replace(minute, quota=90, burst=90))
    changes.ask_second_person(change.pk)
    apply(change, second)
    assert LimitPolicy.objects.get().quota == 90
    assert LimitChange.objects.get(pk=change.pk).decided_by == second


def test_the_end_of_a_policy_is_a_raise_and_of_a_doubled_one_it_is_not(minute) -> None:
    row = LimitPolicy.objects.get()
    now = the_clock.now()
    with pytest.raises(ChangeRefused, match="second person"):
        apply(changes.prepare_drop(row.pk, reason="tidy", actor=ANN, now=now))
    apply(prepared(replace(minute, scope="", quota=10, burst=10)))
    apply(changes.prepare_drop(row.pk, reason="tidy", actor=ANN, now=now))
    assert LimitPolicy.objects.get().quota == 10


def test_a_change_of_a_row_that_somebody_changed_meanwhile_is_stale(minute) -> None:
    mine, theirs = (prepared(replace(minute, quota=quota, burst=20)) for quota in (30, 40))
    changes.put_into_force(theirs.pk, actor=ANN, now=the_clock.now())
    with pytest.raises(ChangeRefused) as refused:
        apply(mine)
    assert refused.value.stale
    assert LimitPolicy.objects.get().quota == 40
    assert LimitChange.objects.get(pk=mine.pk).state == "draft"


def test_a_change_is_put_into_force_once(minute) -> None:
    change = prepared(replace(minute, quota=30, burst=30))
    apply(change)
    with pytest.raises(ChangeRefused, match="decided already"):
        changes.put_into_force(change.pk, actor=ANN, now=the_clock.now())


def test_an_exception_that_gives_more_needs_a_second_person_and_has_an_end(minute, second) -> None:
    policy = LimitPolicy.objects.get()
    open_account("alice")
    change = exception(policy, 600)
    with pytest.raises(ChangeRefused, match="second person"):
        apply(change)
    apply(change, second)
    row = LimitOverride.objects.get()
    assert (row.quota, row.requested_by, row.approved_by) == (600, ANN, second)
    assert row.ends_at > the_clock.now()


def test_an_exception_that_takes_needs_one_person_and_its_end_two(minute, second) -> None:
    open_account("alice")
    apply(exception(LimitPolicy.objects.get(), 6))
    end = changes.prepare_end(LimitOverride.objects.get().pk, reason="over", actor=ANN, now=the_clock.now())
    with pytest.raises(ChangeRefused, match="second person"):
        apply(end)
    apply(end, second)
    assert not LimitOverride.objects.exists()


@pytest.mark.parametrize("days", [0, 91])
def test_no_exception_is_endless(minute, days) -> None:
    open_account("alice")
    now, policy = the_clock.now(), LimitPolicy.objects.get()
    terms = OverrideTerms("acc_alice", policy.pk, 6, 6, now + timedelta(days=days))
    with pytest.raises(ChangeRefused, match="ends within 90 days"):
        changes.prepare_override(terms, reason="x", actor=ANN, now=now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Shared"}, {"name": "shared-day"}, {"quota": 0}, {"burst": 61}, {"window_seconds": 0},
        {"tier": "saint"}, {"scope": "model:none"}, {"service_id": "svc_none"}, {"applies_to": "cluster"},
        {"service_id": "", "scope": INFER}, {"quota": 2**40, "burst": 2**40}, {"unit": "bytes"},
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused_before_it_is_kept(minute, wrong) -> None:
    with pytest.raises(ChangeRefused):
        prepared(replace(minute, quota=30, burst=30) if not wrong else replace(minute, **wrong))
    assert LimitChange.objects.filter(state="draft").count() == 0


def test_nothing_is_done_without_a_reason(minute) -> None:
    with pytest.raises(ChangeRefused, match="say why"):
        changes.prepare_policy(replace(minute, quota=1, burst=1), reason=" ", actor=ANN, now=the_clock.now())


def test_a_person_without_the_role_is_no_second_person(minute) -> None:
    User.objects.create(email="zoe@example.com", is_staff=True)
    zoe = f"user:{User.objects.get(email='zoe@example.com').pk}"
    with pytest.raises(ChangeRefused, match="only an approver"):
        apply(prepared(replace(minute, quota=90, burst=90)), zoe)
