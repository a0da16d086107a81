import threading

import pytest
from django.db import connections

from accounts.owners.models import Account
from foundation.jobs.models import Job
from foundation.jobs.outbox import run_due
from foundation.ledger.models import Entry, EntrySubject
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import account_states
from passport.revocation import run
from passport.revocation.approve import approve
from passport.revocation.batch import BatchError, State
from passport.revocation.preview import record_view
from passport.revocation.run import pause, resume, start, travel
from passport.revocation.steps import get_batch
from tests.passport.population import NOON, household, signing_keys
from tests.passport.revocation.hydra import ANALYST, APPROVER, approved, cluster, done, previewed, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hydra(db: None) -> str:
    signing_keys()
    for name in ("mallory", "trent"):
        household(name)
    return cluster("hydra", "acc_mallory", "acc_trent")


def crowd(size: int) -> str:
    Account.objects.bulk_create([Account(id=f"acc_{n:04}", name=str(n)) for n in range(size)])
    staff(APPROVER)
    return cluster("crowd", *[f"acc_{n:04}" for n in range(size)])


def test_the_fact_is_in_force_before_any_worker_has_run(hydra: str) -> None:
    batch = approved(previewed(hydra))
    start(batch.pk, ANALYST, now=NOON)
    assert account_states("sandbox").get(pk="acc_trent").there == Effect.REVOKE
    assert get_batch(batch.pk).state == State.RUNNING


def test_behind_the_fact_the_batch_comes_to_its_end(hydra: str) -> None:
    batch = done(hydra)
    assert (batch.state, batch.accounts_hit, bool(batch.receipt)) == (State.DONE, 2, True)


def test_a_batch_is_started_once(hydra: str) -> None:
    batch = done(hydra)
    with pytest.raises(BatchError) as refused:
        start(batch.pk, ANALYST, now=NOON)
    assert refused.value.conflict
    assert Restriction.objects.count() == 2


def test_the_life_of_a_batch_is_in_the_record(hydra: str) -> None:
    batch = done(hydra)
    entries = EntrySubject.objects.filter(subject_id=batch.pk).order_by("entry_id")
    kinds = [one.removeprefix("batch.") for one in entries.values_list("entry__type", flat=True)]
    assert kinds == ["draft", "previewed", "approved", "running", "restriction.placed", "done"]


@pytest.mark.parametrize("dies_in", ["_record_some", "_finish", "write_receipt"])
def test_a_worker_that_dies_is_followed_by_one_that_goes_on(
    hydra: str, dies_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = approved(previewed(hydra))
    start(batch.pk, ANALYST, now=NOON)

    def dies(*arguments: object, **fields: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, dies_in, dies)
    with pytest.raises(KeyboardInterrupt):
        travel(batch.pk)
    monkeypatch.undo()
    travel(batch.pk)
    travel(batch.pk)
    after = get_batch(batch.pk)
    assert (after.state, bool(after.receipt)) == (State.DONE, True)
    assert Restriction.objects.count() == 2
    assert Entry.objects.filter(type="batch.done").count() == 1


def test_a_pause_holds_what_follows_but_not_the_fact(hydra: str) -> None:
    batch = approved(previewed(hydra))
    start(batch.pk, ANALYST, now=NOON)
    pause(batch.pk, ANALYST, now=NOON)
    run_due()
    assert get_batch(batch.pk).state == State.PAUSED
    assert account_states("sandbox").get(pk="acc_trent").there == Effect.REVOKE
    resume(batch.pk, ANALYST, now=NOON)
    run_due()
    assert get_batch(batch.pk).state == State.DONE


def test_two_thousand_accounts_are_hit_by_a_few_statements(django_assert_max_num_queries) -> None:
    batch = approved(previewed(crowd(2_000)), APPROVER)
    with django_assert_max_num_queries(50):
        start(batch.pk, ANALYST, now=NOON)
    assert account_states("sandbox").filter(there=Effect.REVOKE).count() == 2_000


def test_every_member_of_a_large_batch_finds_it_in_its_own_history() -> None:
    batch = approved(previewed(crowd(1_500)), APPROVER)
    start(batch.pk, ANALYST, now=NOON)
    run_due()
    assert get_batch(batch.pk).state == State.DONE
    recorded = EntrySubject.objects.filter(entry__type="restriction.placed", subject_id__startswith="acc_")
    assert recorded.values("subject_id").distinct().count() == 1_500


@pytest.mark.django_db(transaction=True)
@pytest.mark.stores
def test_of_two_approvers_at_once_one_is_first(hydra: str) -> None:
    batch = previewed(hydra)
    digests = {actor: record_view(batch.pk, actor, now=NOON) for actor in ("user:usr_a", "user:usr_b")}
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def decide(actor: str) -> None:
        together.wait()
        try:
            approve(batch.pk, actor, digests[actor], now=NOON)
            outcomes.append("approved")
        except BatchError as refused:
            outcomes.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=decide, args=(actor,)) for actor in digests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_approved", "approved"]


def test_a_started_batch_leaves_one_job_however_often_it_is_resumed(hydra: str) -> None:
    batch = approved(previewed(hydra))
    start(batch.pk, ANALYST, now=NOON)
    for _ in range(3):
        pause(batch.pk, ANALYST, now=NOON)
        resume(batch.pk, ANALYST, now=NOON)
    assert Job.objects.filter(name=run.TRAVEL, finished_at=None).count() == 1
