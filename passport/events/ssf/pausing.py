"""Pauses a stream that its receiver does not take, and tells of it; clears what nobody needs any more."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from foundation import clock
from foundation.jobs.periodic import every
from passport.events.ssf.kinds import STREAM_UPDATED
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.sets import event_claims
from passport.events.ssf.subjects import opaque

log = structlog.get_logger()

GIVE_UP_AFTER = timedelta(days=7)
INACTIVITY_SECONDS = 7 * 24 * 3600
"""How long a receiver that polls may stay away."""
KEPT_DELIVERED = timedelta(days=30)
KEPT_DEAD = timedelta(days=90)
ABOUT_STREAM = "stream"
"""The order of what is about the stream itself."""

WORDS_FAILED = "deliveries failed for seven days"
WORDS_AWAY = "nothing was polled for seven days"


def give_up(event: StreamEvent, error: str, *, now: datetime) -> None:
    """After seven days: what was refused is a dead letter, the stream is paused, and its receiver told.

    What a receiver did not take because it was away goes on waiting; it is sent when the stream is
    enabled again. A notice of the pause itself is tried as long and then dropped.
    """
    with transaction.atomic():
        if error.startswith("refused") or event.control:
            StreamEvent.objects.filter(pk=event.pk).update(state=StreamEvent.State.DEAD, ended_at=now)
        pause(event.stream_id, WORDS_FAILED, now=now)


def pause(stream_id: str, reason: str, *, now: datetime) -> bool:
    """By the transmitter (SSF 1.0 section 8.1.5). False: it was not enabled."""
    enabled = EventStream.objects.filter(pk=stream_id, status=EventStream.Status.ENABLED)
    with transaction.atomic():
        paused = enabled.update(
            status=EventStream.Status.PAUSED, status_reason=reason, failing_since=None, failures=0
        )
        if paused:
            members = {"status": "paused", "reason": reason}
            tell_receiver(stream_id, STREAM_UPDATED, members, control=True, now=now)
            log.warning("stream_paused", stream=stream_id, reason=reason)
    return bool(paused)


def tell_receiver(
    stream_id: str, kind: str, members: dict[str, str], *, now: datetime, control: bool = False
) -> StreamEvent:
    """An event about the stream itself."""
    return StreamEvent.objects.create(
        stream_id=stream_id,
        type=kind,
        claims=event_claims(kind, opaque(stream_id), members, txn="", now=now),
        order_key=ABOUT_STREAM,
        control=control,
        created_at=now,
    )


@every(3600, "passport.events.ssf.sweep")
def sweep() -> None:
    """Pause what nobody polls, and drop what was delivered or given up long ago."""
    now = clock.now()
    heard = Coalesce("heard_at", "created_at")
    polled = EventStream.objects.filter(
        method=EventStream.Method.POLL, status=EventStream.Status.ENABLED
    ).alias(heard=heard)
    for stream_id in polled.filter(heard__lt=now - GIVE_UP_AFTER).values_list("pk", flat=True):
        pause(stream_id, WORDS_AWAY, now=now)
    StreamEvent.objects.filter(
        Q(state="delivered", ended_at__lt=now - KEPT_DELIVERED)
        | Q(state="dead", ended_at__lt=now - KEPT_DEAD)
    ).delete()
