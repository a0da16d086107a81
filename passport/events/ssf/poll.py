"""Hands events to receivers that poll (RFC 8936)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.push import ERROR_CODE
from passport.events.ssf.refusals import BadCall
from passport.events.ssf.sets import sign_set

log = structlog.get_logger()

MOST_EVENTS = 100
"""In one answer, however many are asked for."""
MOST_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Poll:
    most: int
    acknowledged: tuple[str, ...]
    refused: Mapping[str, str]
    """Error codes by jti."""


def read_poll(content: Mapping[str, Any]) -> Poll:
    """RFC 8936 section 2.2: every member may be left out. Raises BadCall."""
    most = content.get("maxEvents", MOST_EVENTS)
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise BadCall("maxEvents is a whole number, 0 or more")
    if not isinstance(content.get("returnImmediately", False), bool):
        raise BadCall("returnImmediately is true or false")
    return Poll(
        min(most, MOST_EVENTS), _acknowledged(content.get("ack", [])), _refused(content.get("setErrs", {}))
    )


def _acknowledged(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > MOST_NAMED:
        raise BadCall(f"ack is a list of at most {MOST_NAMED} jti")
    if not all(isinstance(jti, str) for jti in given):
        raise BadCall("ack is a list of jti")
    return tuple(given)


def _refused(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > MOST_NAMED:
        raise BadCall("setErrs is an object of errors by jti")
    found = {}
    for jti, error in given.items():
        code = error.get("err") if isinstance(error, dict) else None
        if not isinstance(code, str):
            raise BadCall("each of setErrs has err and description")
        found[jti] = code if ERROR_CODE.fullmatch(code) else "unknown"
    return found


def poll(stream: EventStream, asked: Poll, issuer: str, *, now: datetime) -> dict[str, Any]:
    """Take the acknowledgements, then give what waits, oldest first; the same again until acknowledged."""
    waiting = StreamEvent.objects.filter(stream=stream, state=StreamEvent.State.WAITING)
    waiting.filter(jti__in=asked.acknowledged).update(
        state=StreamEvent.State.DELIVERED, ended_at=now, error=""
    )
    for jti, code in asked.refused.items():
        if waiting.filter(jti=jti).update(
            state=StreamEvent.State.DEAD, ended_at=now, error=f"refused: {code}"
        ):
            log.warning("set_refused", stream=stream.pk, jti=jti, error=code)
    EventStream.objects.filter(pk=stream.pk).update(heard_at=now)
    given = list(_open_to(stream, waiting).order_by("pk")[: asked.most + 1])
    part = given[: asked.most]
    waiting.filter(pk__in=[event.pk for event in part]).update(
        attempts=F("attempts") + 1, tried_at=Coalesce("tried_at", now)
    )
    return {
        "sets": {event.jti: sign_set(event, issuer, stream.service.audience) for event in part},
        "moreAvailable": len(given) > asked.most,
    }


def _open_to(stream: EventStream, waiting: QuerySet[StreamEvent]) -> QuerySet[StreamEvent]:
    """A paused stream tells only that it is paused, a disabled one nothing."""
    if stream.status == EventStream.Status.ENABLED:
        return waiting
    return waiting.filter(Q(control=True) & Q(stream__status=EventStream.Status.PAUSED))
