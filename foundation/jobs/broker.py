"""Hands job ids to Celery. The outbox carries the work, so a lost message costs a second and no more.

A message that comes twice is answered by the job's lease: durability never rests on the broker.
"""

from functools import lru_cache

import structlog
from celery import Celery
from django.conf import settings

log = structlog.get_logger()

RUN_JOB = "foundation.run_job"
QUEUE = "agent-passport"
GONE_AFTER_SECONDS = 60
"""A message that waited longer is dropped: the relay has handed the job out again."""


@lru_cache(maxsize=1)
def celery_app() -> Celery:
    app = Celery("agent_passport", broker=settings.BROKER_URL or None, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=QUEUE,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": 300,
            "socket_connect_timeout": 1,
            "socket_timeout": 5,
        },
        timezone="UTC",
    )
    return app


def hand_over(job_id: int) -> None:
    """Tell a worker of a job at once. Never raises: the caller has committed, and the relay finds the job."""
    try:
        celery_app().send_task(RUN_JOB, (job_id,), expires=GONE_AFTER_SECONDS, queue=QUEUE)
    except Exception as failure:  # noqa: BLE001 - away, refusing or misnamed: what was committed stays so
        log.warning("broker_away", job=job_id, error=type(failure).__name__)
