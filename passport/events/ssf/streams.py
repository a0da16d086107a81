"""Makes, shows and changes the streams of a service (SSF 1.0 section 8.1.1); the only writer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation.ledger.append import append
from foundation.ledger.read import head
from foundation.outbound.client import OutboundError, check_target
from foundation.sealing.boxes import seal
from passport.events.ssf import kinds
from passport.events.ssf.bodies import text
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.pausing import INACTIVITY_SECONDS
from passport.events.ssf.push import CONTEXT
from passport.events.ssf.refusals import BadCall, TooManyStreams, UnknownStream
from passport.services.models import Service

MOST_STREAMS = 5
"""Of one service: one for each of its machines or purposes is enough."""
MOST_KINDS = 100
MOST_URL = 1_000
MOST_HEADER = 4_096
MIN_VERIFICATION_SECONDS = 60
NAME = re.compile("stream_[A-Za-z0-9]{1,57}")
HEADER = re.compile("[\x20-\x7e]+")
OURS = (
    "iss",
    "aud",
    "events_supported",
    "events_delivered",
    "min_verification_interval",
    "inactivity_timeout",
)
"""Members that the transmitter supplies: a receiver may repeat them, never change them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    method: str
    endpoint_url: str
    authorization: str


def get_stream(service: Service, stream_id: object) -> EventStream:
    """Raises UnknownStream, also for the stream of another service (SSF-02)."""
    if not isinstance(stream_id, str) or not NAME.fullmatch(stream_id):
        raise UnknownStream
    found = EventStream.objects.filter(pk=stream_id, service=service).first()
    if found is None:
        raise UnknownStream
    found.service = service
    return found


def streams_of(service: Service) -> list[EventStream]:
    return list(
        EventStream.objects.filter(service=service).select_related("service").order_by("created_at", "pk")
    )


def create(service: Service, content: Mapping[str, Any], issuer: str, *, now: datetime) -> EventStream:
    """Raises BadCall, TooManyStreams."""
    requested = _requested(content)
    delivery = _delivery(content.get("delivery"), issuer, None)
    stream = EventStream(
        service=service,
        description=text(content, "description", most=300),
        events_requested=requested,
        created_at=now,
    )
    _set_delivery(stream, delivery)
    with transaction.atomic():
        Service.objects.select_for_update().get(pk=service.pk)
        if EventStream.objects.filter(service=service).count() >= MOST_STREAMS:
            raise TooManyStreams(f"a service has at most {MOST_STREAMS} streams: delete one first")
        stream.after = head()
        stream.save(force_insert=True)
        _record(stream, "created", now)
    return stream


def change(
    stream: EventStream, content: Mapping[str, Any], issuer: str, *, replace: bool, now: datetime
) -> EventStream:
    """PATCH, or PUT with ``replace``, where what is left out goes back to its default. Raises BadCall."""
    _check_ours(stream, content, issuer)
    if replace or "events_requested" in content:
        stream.events_requested = _requested(content)
    if replace or "description" in content:
        stream.description = text(content, "description", most=300)
    if replace or "delivery" in content:
        kept = None if replace else stream
        _set_delivery(stream, _delivery(content.get("delivery"), issuer, stream), keep=kept)
    with transaction.atomic():
        stream.save(
            update_fields=["events_requested", "description", "method", "endpoint_url", "authorization"]
        )
        # Its new address may work where the old one failed.
        EventStream.objects.filter(pk=stream.pk).update(retry_at=None)
        _record(stream, "changed", now)
    return stream


def delete(stream: EventStream, *, now: datetime) -> None:
    with transaction.atomic():
        _record(stream, "deleted", now)
        stream.delete()


def set_status(stream: EventStream, status: str, reason: str, *, now: datetime) -> EventStream:
    """By the receiver. A disabled stream holds nothing for later; a paused one does. Raises BadCall."""
    if status not in EventStream.Status.values:
        raise BadCall(f"status is one of: {' '.join(EventStream.Status.values)}")
    stream.status, stream.status_reason = status, reason
    with transaction.atomic():
        EventStream.objects.filter(pk=stream.pk).update(
            status=status, status_reason=reason, failing_since=None, failures=0, retry_at=None, last_error="",
            heard_at=now,
        )  # fmt: skip
        if status == EventStream.Status.DISABLED:
            StreamEvent.objects.filter(stream=stream, state=StreamEvent.State.WAITING).delete()
        _record(stream, status, now)
    return stream


def describe(stream: EventStream, issuer: str) -> dict[str, Any]:
    """The configuration. The receiver's own header is not part of it (SSF-10)."""
    polled = stream.method == kinds.POLL
    shown: dict[str, Any] = {
        "stream_id": stream.pk,
        "iss": issuer,
        "aud": stream.service.audience,
        "events_supported": list(kinds.SUPPORTED),
        "events_requested": _shown_requested(stream),
        "events_delivered": kinds.delivered(stream.events_requested),
        "delivery": {
            "method": stream.method,
            "endpoint_url": poll_url(issuer, stream) if polled else stream.endpoint_url,
        },
        "min_verification_interval": MIN_VERIFICATION_SECONDS,
    }
    if stream.description:
        shown["description"] = stream.description
    if polled:
        shown["inactivity_timeout"] = INACTIVITY_SECONDS
    return shown


def describe_status(stream: EventStream) -> dict[str, Any]:
    reason = {"reason": stream.status_reason} if stream.status_reason else {}
    return {"stream_id": stream.pk, "status": stream.status, **reason}


def poll_url(issuer: str, stream: EventStream) -> str:
    return f"{issuer}/ssf/poll/{stream.pk}"


def _shown_requested(stream: EventStream) -> list[str]:
    return list(kinds.SUPPORTED) if stream.events_requested is None else stream.events_requested


def _requested(content: Mapping[str, Any]) -> list[str] | None:
    """Kinds that we do not know stay on the list and are never sent; one must be left (SSF-05)."""
    given = content.get("events_requested")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > MOST_KINDS:
        raise BadCall(f"events_requested is a list of at most {MOST_KINDS} kinds of event")
    if not all(isinstance(kind, str) and len(kind) <= MOST_URL for kind in given):
        raise BadCall("a kind of event is named by its URI")
    if not kinds.delivered(given):
        raise BadCall(f"none of the events is supported; there are: {' '.join(kinds.SUPPORTED)}")
    return list(dict.fromkeys(given))


def _delivery(given: object, issuer: str, stream: EventStream | None) -> Delivery:
    """No ``delivery`` means polling. Raises BadCall."""
    if given is None:
        return Delivery(kinds.POLL, "", "")
    if not isinstance(given, Mapping) or given.get("method") not in (kinds.PUSH, kinds.POLL):
        raise BadCall(f"delivery has a method: {kinds.PUSH} or {kinds.POLL}")
    url = text(given, "endpoint_url", most=MOST_URL)
    header = text(given, "authorization_header", most=MOST_HEADER)
    if given["method"] == kinds.POLL:
        if url and (stream is None or url != poll_url(issuer, stream)):
            raise BadCall("the address to poll is given by this server")
        if header:
            raise BadCall("authorization_header goes with push")
        return Delivery(kinds.POLL, "", "")
    if header and (not HEADER.fullmatch(header) or header != header.strip()):
        raise BadCall("authorization_header is the value of one header line, in ASCII")
    check_endpoint(url)
    return Delivery(kinds.PUSH, url, header)


def check_endpoint(url: str) -> None:
    """https, a public address, nothing of ours: as every address that a stranger names. Raises BadCall."""
    if not url:
        raise BadCall("delivery by push has an endpoint_url")
    try:
        check_target(url)
    except OutboundError:
        raise BadCall("endpoint_url is an https address that this server can reach") from None


def _set_delivery(stream: EventStream, delivery: Delivery, keep: EventStream | None = None) -> None:
    """A header that is not named again stays only with the address that it was made for."""
    same = (
        keep is not None and delivery.method == stream.method and delivery.endpoint_url == stream.endpoint_url
    )
    stream.method, stream.endpoint_url = delivery.method, delivery.endpoint_url
    if delivery.authorization:
        stream.authorization = seal(delivery.authorization.encode(), context=CONTEXT + stream.pk)
    elif not same:
        stream.authorization = None


def _check_ours(stream: EventStream, content: Mapping[str, Any], issuer: str) -> None:
    """SSF-03."""
    shown = describe(stream, issuer)
    changed = [name for name in OURS if name in content and content[name] != shown.get(name)]
    if changed:
        raise BadCall(f"set by this server, not by the receiver: {' '.join(changed)}")


def _record(stream: EventStream, what: str, now: datetime) -> None:
    append(
        f"stream.{what}",
        actor=f"service:{stream.service_id}",
        subject_ids=[stream.pk, stream.service_id],
        payload={"method": stream.method},
        at=now,
    )
