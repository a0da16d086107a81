from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from foundation import clock
from foundation.jobs import outbox, periodic
from foundation.jobs.models import Job, Periodic
from foundation.jobs.outbox import enqueue, run_due, run_job

pytestmark = pytest.mark.django_db

RAN: list[int] = []


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fails(n: int) -> None:
        raise RuntimeError("not now")

    monkeypatch.setitem(outbox.FUNCTIONS, "test.note", lambda n: RAN.append(n))
    monkeypatch.setitem(outbox.FUNCTIONS, "test.fails", fails)
    RAN.clear()
    return


def test_a_due_job_runs_once() -> None:
    enqueue("test.note", {"n": 1})
    assert run_due() == 1
    assert run_due() == 0
    assert RAN == [1]


def test_what_a_killed_server_held_is_taken_up_when_it_starts_again() -> None:
    enqueue("test.note", {"n": 1}, key="k")
    Job.objects.update(lease="lease_dead", leased_until=clock.now() + outbox.LEASE)
    enqueue("test.note", {"n": 2}, key="k")
    assert run_due() == 1
    assert outbox.end_leases() == 1
    assert run_due() == 1
    assert RAN == [2, 1]


def test_a_job_of_tomorrow_waits() -> None:
    enqueue("test.note", {"n": 1}, due_at=clock.now() + timedelta(days=1))
    assert run_due() == 0


def test_asking_twice_by_one_key_is_asking_once() -> None:
    enqueue("test.note", {"n": 1}, key="k")
    enqueue("test.note", {"n": 2}, key="k")
    run_due()
    assert RAN == [1]


def test_asking_while_such_a_job_runs_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks_again(n: int) -> None:
        RAN.append(n)
        if n == 1:
            enqueue("test.again", {"n": 2}, key="k")

    monkeypatch.setitem(outbox.FUNCTIONS, "test.again", asks_again)
    enqueue("test.again", {"n": 1}, key="k")
    run_due()
    run_due()
    assert RAN == [1, 2]


def test_an_earlier_time_brings_a_waiting_job_forward() -> None:
    enqueue("test.note", {"n": 1}, key="k", due_at=clock.now() + timedelta(hours=1))
    enqueue("test.note", {"n": 1}, key="k")
    assert run_due() == 1


def test_a_job_that_fails_stays_and_comes_again_later() -> None:
    enqueue("test.fails", {"n": 1})
    run_due()
    job = Job.objects.get()
    assert (job.finished_at, job.attempts, job.lease) == (None, 1, "")
    assert job.error == "RuntimeError: not now"
    assert job.due_at > clock.now()


def test_a_failed_job_gives_way_to_one_of_its_key_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks_and_fails(n: int) -> None:
        enqueue("test.note", {"n": 2}, key="k")
        raise RuntimeError("not now")

    monkeypatch.setitem(outbox.FUNCTIONS, "test.asks_and_fails", asks_and_fails)
    enqueue("test.asks_and_fails", {"n": 1}, key="k")
    run_due()
    assert Job.objects.get(finished_at=None).name == "test.note"


def test_a_leased_job_is_left_alone_until_its_lease_ends() -> None:
    enqueue("test.note", {"n": 1})
    Job.objects.update(lease="other", leased_until=clock.now() + timedelta(seconds=30))
    assert not run_job(Job.objects.get().pk)
    Job.objects.update(leased_until=clock.now() - timedelta(seconds=1))
    assert run_due() == 1
    assert RAN == [1]


def test_a_job_without_a_function_is_refused_when_asked_for() -> None:
    with pytest.raises(LookupError, match="no job is named"):
        enqueue("test.unknown")


def test_periodic_work_runs_once_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    count: list[int] = []
    rounds: dict[str, Any] = {"test": periodic.Round("test", 60, lambda: count.append(1))}
    monkeypatch.setattr(periodic, "ROUNDS", rounds)
    assert periodic.run_periodic() == ["test"]
    assert periodic.run_periodic() == []
    Periodic.objects.update(began_at=clock.now() - timedelta(seconds=61))
    periodic.run_periodic()
    assert len(count) == 2


def test_a_watch_asks_nothing_of_the_database_while_nothing_can_be_due(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    count: list[int] = []
    monkeypatch.setattr(periodic, "ROUNDS", {"test": periodic.Round("test", 60, lambda: count.append(1))})
    watch = periodic.Watch()
    assert watch.run() == ["test"]
    with django_assert_num_queries(0):
        assert watch.run() == []
    assert periodic.Watch().run() == []
    assert count == [1]
