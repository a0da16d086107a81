"""What a receiver asks of a stream beside its configuration: subjects, and a verification."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from foundation.jobs.outbox import enqueue
from passport.events.ssf.bodies import text
from passport.events.ssf.kinds import PUSH, VERIFICATION
from passport.events.ssf.models import EventStream, RemovedSubject, StreamEvent
from passport.events.ssf.pausing import tell_receiver
from passport.events.ssf.push import PUSH_JOB
from passport.events.ssf.refusals import BadCall, TooOften
from passport.events.ssf.streams import MIN_VERIFICATION_SECONDS
from passport.events.ssf.subjects import digest, matches, read_subject

MOST_REMOVED = 10_000
MOST_STATE = 1_000


def add_subject(stream: EventStream, content: Mapping[str, Any]) -> None:
    """Every subject is on a stream by default: adding one takes back that it was removed.

    A subject that the receiver never saw is taken in the same words, and never told of. Raises BadCall.
    """
    subject = read_subject(content.get("subject"))
    if not isinstance(content.get("verified", True), bool):
        raise BadCall("verified is true or false")
    RemovedSubject.objects.filter(stream=stream, digest=digest(subject)).delete()


def remove_subject(stream: EventStream, content: Mapping[str, Any]) -> None:
    """Nothing more goes out about it, not even what waits. Raises BadCall, TooOften."""
    subject = read_subject(content.get("subject"))
    with transaction.atomic():
        EventStream.objects.select_for_update().get(pk=stream.pk)
        if RemovedSubject.objects.filter(stream=stream).count() >= MOST_REMOVED:
            raise TooOften(f"at most {MOST_REMOVED} subjects are removed from a stream")
        RemovedSubject.objects.get_or_create(
            stream=stream, digest=digest(subject), defaults={"subject": subject}
        )
        _drop_waiting(stream, subject)


def _drop_waiting(stream: EventStream, subject: Mapping[str, Any]) -> None:
    waiting = StreamEvent.objects.filter(stream=stream, state=StreamEvent.State.WAITING)
    dropped = [
        pk
        for pk, claims in waiting.values_list("pk", "claims").iterator()
        if matches(subject, claims["sub_id"])
    ]
    waiting.filter(pk__in=dropped).delete()


def ask_verification(stream: EventStream, content: Mapping[str, Any], *, now: datetime) -> None:
    """A verification event with the receiver's ``state`` (SSF 1.0 section 8.1.4).

    Raises BadCall, TooOften.
    """
    state = text(content, "state", most=MOST_STATE)
    if stream.status == EventStream.Status.DISABLED:
        raise BadCall("the stream is disabled: nothing goes out over it")
    early = now - timedelta(seconds=MIN_VERIFICATION_SECONDS)
    free = EventStream.objects.filter(Q(verification_asked_at=None) | Q(verification_asked_at__lte=early))
    with transaction.atomic():
        if not free.filter(pk=stream.pk).update(verification_asked_at=now):
            raise TooOften(
                f"ask for a verification every {MIN_VERIFICATION_SECONDS} seconds",
                headers={"Retry-After": str(MIN_VERIFICATION_SECONDS)},
            )
        tell_receiver(stream.pk, VERIFICATION, {"state": state} if state else {}, now=now)
        if stream.method == PUSH:
            enqueue(PUSH_JOB, {"stream_id": stream.pk}, key=f"{PUSH_JOB}:{stream.pk}")
