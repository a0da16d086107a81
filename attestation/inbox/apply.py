"""Stores a provider's event once and applies it once, in whatever order events come.

The object is fetched before the attestation is locked, never inside the transaction: a slow
provider must not hold a lock. That is safe because ``settle`` compares versions under the
lock, so the answer that was fetched first and arrives last changes nothing.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from attestation.contract import EventRef, Observation, Provider, UnknownObject
from attestation.evidence import record
from attestation.evidence.models import Attestation
from attestation.inbox.counters import APPLIED
from attestation.inbox.models import ProviderEvent
from attestation.providers.registry import find_provider
from foundation import clock
from foundation.jobs.outbox import enqueue, job

log = structlog.get_logger()

APPLY: Final = "attestation.inbox.apply"
REFRESH: Final = "attestation.inbox.refresh"
UNKNOWN_FOR: Final = timedelta(minutes=10)
"""An event can overtake the answer that brings its object's id; later than this it cannot."""


class NotYetKnown(Exception):
    """No attestation has this object yet: the job is tried again."""


def store(provider: str, events: Sequence[EventRef], now: datetime) -> None:
    """Keep each event once, and ask for its application, in one transaction."""
    with transaction.atomic():
        ProviderEvent.objects.bulk_create(
            [
                ProviderEvent(
                    provider=provider,
                    event_id=event.id,
                    type=event.kind,
                    object_ref=event.object_ref,
                    livemode=event.livemode,
                    digest=digest_of(event),
                    received_at=now,
                )
                for event in events
            ],
            ignore_conflicts=True,
        )
        waiting = ProviderEvent.objects.filter(
            provider=provider, event_id__in=[event.id for event in events], applied_at=None
        )
        for event_id in waiting.values_list("pk", flat=True):
            enqueue(APPLY, {"event_id": event_id}, key=f"{APPLY}:{event_id}")


def digest_of(event: EventRef) -> bytes:
    """SHA-256 of what an event says. Thin events carry nothing about a person."""
    parts = (event.id, event.object_ref, event.kind, event.occurred_at.isoformat(), str(event.livemode))
    return hashlib.sha256("\0".join(parts).encode()).digest()


@job(APPLY)
def apply_event(event_id: int) -> None:
    """Fetch what the event is about and settle it; the mark and the facts commit together."""
    event = ProviderEvent.objects.get(pk=event_id)
    if event.applied_at is not None:
        return
    attestation = find_attestation(event.provider, event.object_ref)
    if attestation is None:
        give_up_on(event)
        return
    seen = look(attestation)
    with transaction.atomic():
        # Whoever marks first applies; the other finds no row and leaves.
        mark = ProviderEvent.objects.filter(pk=event_id, applied_at=None)
        if not mark.update(applied_at=clock.now()):
            return
        outcome = settle(attestation, seen)
        ProviderEvent.objects.filter(pk=event_id).update(outcome=outcome)
    APPLIED.labels(event.provider, outcome).inc()


@job(REFRESH)
def refresh(attestation_id: str) -> None:
    """Ask the provider without having been told to: for events that never came."""
    attestation = Attestation.objects.get(pk=attestation_id)
    if attestation.subject_ref and find_provider(attestation.provider) is not None:
        settle(attestation, look(attestation))


def ask_to_refresh(attestation_id: str) -> None:
    enqueue(REFRESH, {"attestation_id": attestation_id}, key=f"{REFRESH}:{attestation_id}")


def find_attestation(provider: str, object_ref: str) -> Attestation | None:
    """By the provider's own id, never by what an event calls its reference."""
    if not object_ref:
        return None
    return Attestation.objects.filter(provider=provider, subject_ref=object_ref).first()


def give_up_on(event: ProviderEvent) -> None:
    if event.received_at > clock.now() - UNKNOWN_FOR:
        raise NotYetKnown(event.event_id)
    log.warning("provider_event_unknown_object", provider=event.provider, event_id=event.event_id)
    ProviderEvent.objects.filter(pk=event.pk).update(applied_at=clock.now(), outcome="unknown_object")


def look(attestation: Attestation) -> Observation | None:
    """The object as fetched; None: the provider says that there is none. Raises ProviderError."""
    provider = switched_on(attestation.provider)
    try:
        return provider.fetch(attestation.subject_ref)
    except UnknownObject:
        return None


def switched_on(name: str) -> Provider:
    provider = find_provider(name)
    if provider is None:
        raise LookupError(f"the provider {name} is not switched on")
    return provider


def settle(attestation: Attestation, seen: Observation | None) -> str:
    if seen is None:
        log.warning("attestation_object_gone", attestation=attestation.pk)
        return "object_gone"
    return record.settle(attestation.pk, seen, now=clock.now()).value
