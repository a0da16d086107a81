"""Sends events to receivers that are pushed to (RFC 8935).

One worker at a time holds a stream. Whatever is about the same account goes out in order: an
event that was refused holds those behind it, a receiver that does not answer holds the stream.
A worker that dies between sending and noting it is followed by one that sends the same ``jti``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from django.db.models import F, Q, QuerySet

from foundation import clock
from foundation.ids import new_id
from foundation.jobs.outbox import enqueue, job
from foundation.jobs.periodic import every
from foundation.outbound.client import Limits, OutboundError, fetch
from foundation.sealing.boxes import open_box
from passport.conf import issuer
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.pausing import GIVE_UP_AFTER, give_up
from passport.events.ssf.sets import sign_set

log = structlog.get_logger()

PUSH_JOB = "passport.events.ssf.push"
AT_ONCE = 100
LEASE = timedelta(minutes=1)
ANSWER = Limits(seconds=5.0, bytes=16 * 1024)
FIRST_WAIT_SECONDS, LAST_WAIT_SECONDS = 1, 3600
CONTEXT = "ssf-receiver/"
ERROR_CODE = re.compile("[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Outcome:
    error: str = ""
    """Empty: the receiver has it."""
    about_event: bool = False
    """The receiver answers and refuses this one event."""


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, an hour at most."""
    return timedelta(seconds=min(FIRST_WAIT_SECONDS * 2 ** min(failures, 16), LAST_WAIT_SECONDS))


@every(5, "passport.events.ssf.wake")
def wake() -> None:
    """Ask for a push wherever something waits that may be sent now."""
    now = clock.now()
    streams = EventStream.objects.filter(_may_be_sent(now), method=EventStream.Method.PUSH)
    waiting = StreamEvent.objects.filter(
        Q(retry_at=None) | Q(retry_at__lte=now),
        Q(stream__status=EventStream.Status.ENABLED) | Q(control=True),
        state="waiting",
    )
    for stream_id in streams.filter(pk__in=waiting.values("stream_id")).values_list("pk", flat=True):
        enqueue(PUSH_JOB, {"stream_id": stream_id}, key=f"{PUSH_JOB}:{stream_id}")


def _may_be_sent(now: datetime) -> Q:
    return (Q(retry_at=None) | Q(retry_at__lte=now)) & ~Q(status=EventStream.Status.DISABLED)


@job(PUSH_JOB)
def push(stream_id: str) -> None:
    """Send what is due, up to AT_ONCE events, and ask for more time where more is due."""
    lease, now = new_id("lease"), clock.now()
    free = EventStream.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), _may_be_sent(now))
    if not free.filter(pk=stream_id).update(lease=lease, leased_until=now + LEASE):
        return
    try:
        more = _send_some(stream_id, lease)
    finally:
        EventStream.objects.filter(pk=stream_id, lease=lease).update(lease="", leased_until=None)
    if more:
        enqueue(PUSH_JOB, {"stream_id": stream_id}, key=f"{PUSH_JOB}:{stream_id}")


def _send_some(stream_id: str, lease: str) -> bool:
    """Whether there may be more. A receiver that did not answer ends the round: `wake` begins the next."""
    for event in islice(_next_events(stream_id, lease), AT_ONCE):
        outcome = send(event)
        note(event, outcome, clock.now())
        if outcome.error and not outcome.about_event:
            return False
    return due(stream_id, clock.now()).exists()


def _next_events(stream_id: str, lease: str) -> Iterator[StreamEvent]:
    """One at a time, read anew: the stream may be paused or changed, the lease lost, meanwhile."""
    while True:
        now = clock.now()
        mine = EventStream.objects.filter(_may_be_sent(now), pk=stream_id, lease=lease)
        if not mine.update(leased_until=now + LEASE):
            return
        event = due(stream_id, now).first()
        if event is None:
            return
        yield event


def due(stream_id: str, now: datetime) -> QuerySet[StreamEvent]:
    """What may be sent now, oldest first; not what stands behind an event that waits for another try."""
    waiting = StreamEvent.objects.filter(stream_id=stream_id, state=StreamEvent.State.WAITING)
    held = waiting.filter(retry_at__gt=now).values("order_key")
    rows = waiting.exclude(order_key__in=held).select_related("stream__service").order_by("pk")
    return rows.filter(Q(stream__status=EventStream.Status.ENABLED) | Q(control=True))


def send(event: StreamEvent) -> Outcome:
    """One POST (RFC 8935 section 2.1). The address is checked again on the way out (SSF-04)."""
    stream = event.stream
    token = sign_set(event, issuer(), stream.service.audience)
    headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
    if stream.authorization is not None:
        headers["Authorization"] = open_box(stream.authorization, context=CONTEXT + stream.pk).decode()
    try:
        answer = fetch("POST", stream.endpoint_url, headers=headers, body=token.encode(), limits=ANSWER)
    except OutboundError as failure:
        return Outcome(f"not reached: {failure.reason}")
    if answer.status == 202:
        return Outcome()
    if answer.status == 400 and (code := read_error(answer.body)):
        return Outcome(f"refused: {code}", about_event=True)
    return Outcome(f"answered {answer.status}")


def read_error(body: bytes) -> str:
    """The ``err`` of RFC 8935 section 2.4. Its description may hold anything, so it is not kept."""
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = content.get("err") if isinstance(content, dict) else None
    return code if isinstance(code, str) and ERROR_CODE.fullmatch(code) else ""


def note(event: StreamEvent, outcome: Outcome, now: datetime) -> None:
    """Write down how it went: first the event, then the stream, then whether to give up."""
    mine = StreamEvent.objects.filter(pk=event.pk, state=StreamEvent.State.WAITING)
    tried = {"attempts": F("attempts") + 1, "tried_at": event.tried_at or now}
    if not outcome.error:
        mine.update(**tried, state=StreamEvent.State.DELIVERED, ended_at=now, error="", retry_at=None)
        _receiver_is_well(event.stream_id, now)
        log.info("set_delivered", stream=event.stream_id, jti=event.jti, type=event.type)
        return
    log.warning("set_not_delivered", stream=event.stream_id, jti=event.jti, error=outcome.error)
    if outcome.about_event:
        mine.update(**tried, error=outcome.error, retry_at=now + wait_after(event.attempts))
        _receiver_is_well(event.stream_id, now)
    else:
        mine.update(**tried, error=outcome.error)
        _receiver_fails(event.stream, outcome.error, now)
    since = event.tried_at if outcome.about_event else event.stream.failing_since
    if since is not None and now - since >= GIVE_UP_AFTER:
        give_up(event, outcome.error, now=now)


def _receiver_is_well(stream_id: str, now: datetime) -> None:
    EventStream.objects.filter(pk=stream_id).update(
        heard_at=now, failing_since=None, failures=0, retry_at=None, last_error=""
    )


def _receiver_fails(stream: EventStream, error: str, now: datetime) -> None:
    EventStream.objects.filter(pk=stream.pk).update(
        failing_since=stream.failing_since or now,
        failures=F("failures") + 1,
        retry_at=now + wait_after(stream.failures),
        last_error=error,
    )
