"""Work that must happen, kept in the database until it has.

The domain calls ``enqueue`` in its own transaction. In production a relay hands due jobs to
Celery, in the embedded default a thread runs them; both call ``run_job``. A function may be
called twice for one job (a worker died after its work, before its mark), so it must be
idempotent, and long work must go in steps that each leave a mark of their own.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Least

from foundation import clock
from foundation.ids import new_id
from foundation.jobs.broker import hand_over
from foundation.jobs.models import Job

log = structlog.get_logger()

LEASE = timedelta(minutes=2)
"""After it another worker may take the job: the first one is taken to be dead."""
FIRST_RETRY_SECONDS = 1
LAST_RETRY_SECONDS = 300

FUNCTIONS: dict[str, Callable[..., None]] = {}

woken = threading.Event()
"""Set when a job was committed in this process: the embedded thread need not wait for its next look."""


def job[F: Callable[..., None]](name: str) -> Callable[[F], F]:
    """Register a function under a name that queued jobs can rely on after files have moved."""

    def register(function: F) -> F:
        if name in FUNCTIONS:
            raise ValueError(f"two jobs are named {name}")
        FUNCTIONS[name] = function
        return function

    return register


def enqueue(
    name: str, arguments: Mapping[str, Any] | None = None, *, key: str = "", due_at: datetime | None = None
) -> None:
    """Ask for ``FUNCTIONS[name](**arguments)``, in the caller's transaction.

    With a ``key``, asking again while such a job waits adds none. The waiting one is locked until
    the caller has committed, so it always sees what the caller wrote; one that already runs does
    not count as waiting.
    """
    if name not in FUNCTIONS:
        raise LookupError(f"no job is named {name}")
    due_at = due_at or clock.now()
    job_id = _join_waiting(key, due_at) if key else None
    while job_id is None:
        row = Job(name=name, arguments=dict(arguments or {}), key=key, due_at=due_at)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
            job_id = row.pk
        except IntegrityError:
            # Somebody else's was first; unless it was leased meanwhile, ours is that one.
            job_id = _join_waiting(key, due_at)
    if due_at <= clock.now():
        transaction.on_commit(partial(_wake, job_id))


def _join_waiting(key: str, due_at: datetime) -> int | None:
    waiting = Job.objects.filter(key=key, lease="", finished_at=None)
    if not waiting.update(due_at=Least("due_at", Value(due_at))):
        return None
    return waiting.values_list("id", flat=True).first()


def _wake(job_id: int) -> None:
    woken.set()
    if settings.BROKER_URL:
        hand_over(job_id)


def due_jobs(now: datetime, limit: int) -> list[int]:
    """Ids of jobs that wait for a worker, oldest first."""
    return list(
        Job.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), finished_at=None, due_at__lte=now)
        .order_by("due_at")
        .values_list("id", flat=True)[:limit]
    )


def run_job(job_id: int) -> bool:
    """Lease a job, run it, mark it. False: another worker has it, or it is done."""
    now = clock.now()
    lease = new_id("lease")
    rows = Job.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), pk=job_id, finished_at=None)
    if not rows.update(lease=lease, leased_until=now + LEASE):
        return False
    row = Job.objects.get(pk=job_id)
    mine = Job.objects.filter(pk=job_id, lease=lease)
    try:
        FUNCTIONS[row.name](**row.arguments)
    except Exception as failure:  # noqa: BLE001 - whatever failed, the job stays and is tried again
        attempts = row.attempts + 1
        wait = min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), LAST_RETRY_SECONDS)
        log.warning("job_failed", job=row.name, id=row.pk, attempts=attempts, error=type(failure).__name__)
        _put_back(mine, attempts, f"{type(failure).__name__}: {failure}"[:1000], wait)
        return True
    mine.update(finished_at=clock.now(), attempts=row.attempts + 1, error="", leased_until=None)
    return True


def _put_back(mine: QuerySet[Job], attempts: int, error: str, wait_seconds: int) -> None:
    try:
        with transaction.atomic():
            mine.update(
                attempts=attempts,
                error=error,
                due_at=clock.now() + timedelta(seconds=wait_seconds),
                leased_until=None,
                lease="",
            )
    except IntegrityError:
        # Another of its key waits already, and does the same work.
        mine.update(attempts=attempts, error=error, finished_at=clock.now(), leased_until=None)


def end_leases() -> int:
    """For the only worker there is, at its start: whoever holds a lease is dead. Gives how many ended."""
    return Job.objects.filter(leased_until__gt=clock.now(), finished_at=None).update(leased_until=None)


def run_due(limit: int = 50) -> int:
    """Run what is due, in this thread. Gives how many ran."""
    return sum(run_job(job_id) for job_id in due_jobs(clock.now(), limit))
