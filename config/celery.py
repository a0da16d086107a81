"""The workers' entry point: ``celery -A config.celery worker`` and ``… beat``."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from celery.signals import worker_process_init  # noqa: E402
from django.db import close_old_connections, connections  # noqa: E402

from foundation import clock  # noqa: E402
from foundation.jobs import outbox, periodic  # noqa: E402
from foundation.jobs.broker import RUN_JOB, celery_app, hand_over  # noqa: E402

app = celery_app()
app.set_current()
app.conf.beat_schedule = {
    "relay": {"task": "foundation.relay", "schedule": 0.5, "options": {"expires": 2}},
    "periodic": {"task": "foundation.periodic", "schedule": 1.0, "options": {"expires": 5}},
}


@worker_process_init.connect
def drop_inherited_connections(**_: object) -> None:
    """A forked worker must not share its parent's database connections."""
    for connection in connections.all(initialized_only=True):
        connection.inc_thread_sharing()
        connection.close()


@app.task(name=RUN_JOB)
def run_job(job_id: int) -> None:
    close_old_connections()
    outbox.run_job(job_id)


@app.task(name="foundation.relay")
def relay() -> int:
    """Hand every due job to a worker. A job handed out twice is run once: its lease decides."""
    close_old_connections()
    due = outbox.due_jobs(clock.now(), 200)
    for job_id in due:
        hand_over(job_id)
    return len(due)


@app.task(name="foundation.periodic")
def run_periodic() -> list[str]:
    close_old_connections()
    return periodic.run_periodic()
