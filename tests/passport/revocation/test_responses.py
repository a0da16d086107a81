from datetime import timedelta

import pytest

from accounts.flags.raising import decide_flag, raise_flag
from accounts.owners.models import Account
from foundation.jobs.outbox import run_due
from passport.fields import Effect
from passport.restrictions.models import Switch
from passport.restrictions.place import expire
from passport.restrictions.subjects import account_states
from passport.restrictions.switches import set_switch
from passport.revocation.batch import BatchError
from passport.revocation.models import Response, ResponsePolicy
from passport.revocation.responses import (
    approve_policy,
    confidence,
    follow_up,
    respond,
    switch_off,
    write_policy,
)
from tests.passport.population import NOON, account, signing_keys
from tests.passport.revocation.hydra import ANALYST, APPROVER, cluster

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def hydra(db: None) -> None:
    signing_keys()
    for name in ("mallory", "trent", "oscar"):
        account(name)
    # Created before the tests' noon, and not long before.
    Account.objects.update(created_at=NOON - HOUR)
    cluster("hydra", "acc_mallory", "acc_trent", "acc_oscar")


def policy(*, on: bool = True, **changes: object) -> ResponsePolicy:
    fields = {"flag_reason": "card_reversed", "effect": Effect.SUSPEND, "spread_factor": 0.2} | changes
    written = write_policy(actor=ANALYST, now=NOON, **fields)
    return approve_policy(written.pk, APPROVER, now=NOON) if on else written


def flag(name: str = "mallory", source: str = "provider", sure: float = 1.0) -> str:
    return raise_flag(
        account_id=f"acc_{name}", environment="sandbox", reason="card_reversed", source=source, confidence=sure,
        evidence={}, raised_by="system:test", now=NOON,
    ).pk  # fmt: skip


def effects() -> dict[str, int]:
    return {row.pk.removeprefix("acc_"): row.there for row in account_states("sandbox").filter(there__gt=0)}


def test_nothing_happens_by_itself_until_two_people_turned_it_on() -> None:
    flag()
    policy(on=False)
    assert respond(NOON) == 0
    assert effects() == {}


def test_whoever_wrote_a_policy_cannot_turn_it_on() -> None:
    written = policy(on=False)
    with pytest.raises(BatchError) as refused:
        approve_policy(written.pk, ANALYST, now=NOON)
    assert refused.value.code == "own_request"


def test_a_rewritten_policy_is_off_again() -> None:
    policy()
    assert not policy(on=False, cap=100).enabled


def test_a_policy_never_revokes() -> None:
    with pytest.raises(BatchError):
        policy(effect=Effect.REVOKE)


def test_the_flagged_account_is_suspended_and_the_rest_of_its_cluster_throttled() -> None:
    policy()
    flag()
    assert respond(NOON) == 1
    assert effects() == {"mallory": Effect.SUSPEND, "trent": Effect.THROTTLE, "oscar": Effect.THROTTLE}
    assert account_states("sandbox").get(pk="acc_trent").sandbox_factor == 0.2


def test_the_old_members_of_a_cluster_are_left_to_a_person() -> None:
    policy()
    Account.objects.filter(pk="acc_oscar").update(created_at=NOON - timedelta(days=91))
    flag()
    respond(NOON)
    assert "oscar" not in effects()


def test_it_lapses_unless_a_person_goes_on() -> None:
    policy(lapse_hours=72)
    flag()
    respond(NOON)
    expire(NOON + 72 * HOUR)
    assert effects() == {}


def test_a_dismissed_flag_takes_its_response_back() -> None:
    policy()
    raised = flag()
    respond(NOON)
    run_due()
    decide_flag(raised, "dismissed", ANALYST, now=NOON + HOUR)
    assert follow_up(NOON + HOUR) == 1
    assert effects() == {}


def test_a_services_report_alone_never_suffices() -> None:
    policy()
    flag(source="service")
    assert respond(NOON) == 0
    assert confidence("service", 1.0) == 0.5
    assert Response.objects.get().outcome == Response.Outcome.REVIEW


@pytest.mark.parametrize(("source", "sure"), [("detector", 1.0), ("person", 0.5)])
def test_a_detector_or_a_doubt_only_asks_a_person(source: str, sure: float) -> None:
    policy()
    flag(source=source, sure=sure)
    assert respond(NOON) == 0
    assert effects() == {}


def test_a_run_touches_no_more_accounts_than_its_cap() -> None:
    policy(cap=2, spread_factor=1.0)
    for name in ("mallory", "trent", "oscar"):
        flag(name)
    assert respond(NOON) == 2
    assert len(effects()) == 2
    assert Response.objects.get(outcome=Response.Outcome.REVIEW).why == "over_cap"


def test_a_flag_is_answered_once() -> None:
    policy()
    flag()
    assert [respond(NOON), respond(NOON)] == [1, 0]


def test_observing_decides_and_records_and_touches_nobody() -> None:
    policy()
    set_switch(Switch.Name.OBSERVE_RESPONSES, on=True, reason="back-test", actor=APPROVER, now=NOON)
    flag()
    assert respond(NOON) == 0
    observed = Response.objects.get()
    assert (observed.outcome, observed.accounts, effects()) == (Response.Outcome.OBSERVED, 3, {})


def test_the_switch_pauses_all_responses() -> None:
    policy()
    set_switch(Switch.Name.RESPONSES, on=True, reason="worst day", actor=APPROVER, now=NOON)
    flag()
    assert respond(NOON) == 0
    assert not Response.objects.exists()


def test_one_person_suffices_to_turn_a_policy_off() -> None:
    switch_off(policy().pk, ANALYST, now=NOON)
    flag()
    assert respond(NOON) == 0
