"""Lets a dead letter go out again, by hand."""

from django.db import transaction

from foundation.jobs.outbox import enqueue
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.push import PUSH_JOB


def redeliver(stream: EventStream, jti: str) -> bool:
    """The same event with the same ``jti``, tried as a new one is. False: no such dead letter.

    What came after it may have gone out meanwhile: a receiver goes by ``event_timestamp``.
    """
    dead = StreamEvent.objects.filter(stream=stream, jti=jti, state=StreamEvent.State.DEAD)
    with transaction.atomic():
        found = dead.update(
            state=StreamEvent.State.WAITING, attempts=0, tried_at=None, retry_at=None, error="", ended_at=None
        )
        if found and stream.method == EventStream.Method.PUSH:
            enqueue(PUSH_JOB, {"stream_id": stream.pk}, key=f"{PUSH_JOB}:{stream.pk}")
    return bool(found)
