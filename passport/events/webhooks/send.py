"""Sends messages to webhooks, and again while they fail. A worker that dies sends the same id again."""

from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q

from foundation import clock
from foundation.jobs.outbox import enqueue, job
from foundation.jobs.periodic import every
from foundation.outbound.client import Limits, OutboundError, fetch
from passport.events.webhooks.endpoints import signing_secrets
from passport.events.webhooks.jobs import SEND
from passport.events.webhooks.messages import signature_headers
from passport.events.webhooks.models import WebhookDelivery, WebhookEndpoint

log = structlog.get_logger()

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between tries, as Standard Webhooks advises: ten tries in about three days."""
GIVE_UP_AFTER = timedelta(days=7)
"""An address that fails as long is turned off."""
KEPT = timedelta(days=30)
ANSWER = Limits(seconds=10.0, bytes=16 * 1024)
GONE = 410


@job(SEND)
def send(delivery_id: str) -> None:
    """One try of one message."""
    now = clock.now()
    due = WebhookDelivery.objects.filter(pk=delivery_id, state="waiting", retry_at__lte=now)
    row = due.filter(endpoint__enabled=True).select_related("endpoint").first()
    if row is not None:
        _note(row, _try(row, now), clock.now())


@every(5, "passport.events.webhooks.wake")
def wake() -> None:
    """Ask for another try of whatever is due."""
    due = WebhookDelivery.objects.filter(state="waiting", retry_at__lte=clock.now(), endpoint__enabled=True)
    for delivery_id in due.order_by("retry_at").values_list("pk", flat=True)[:200]:
        enqueue(SEND, {"delivery_id": delivery_id}, key=f"{SEND}:{delivery_id}")


def redeliver(delivery: WebhookDelivery, *, now: datetime) -> None:
    """By hand: the same message with the same id, tried as a new one is."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state="waiting", attempts=0, retry_at=now, error="", ended_at=None
    )
    enqueue(SEND, {"delivery_id": delivery.pk}, key=f"{SEND}:{delivery.pk}")


@every(3600, "passport.events.webhooks.sweep")
def sweep() -> None:
    ended = Q(state="delivered") | Q(state="failed")
    WebhookDelivery.objects.filter(ended, ended_at__lt=clock.now() - KEPT).delete()


def _try(row: WebhookDelivery, now: datetime) -> str:
    """The error in a few words; empty where the receiver has it."""
    headers = signature_headers(row.pk, row.payload, signing_secrets(row.endpoint, now), now=now)
    headers["Content-Type"] = "application/json"
    try:
        answer = fetch("POST", row.endpoint.url, headers=headers, body=row.payload.encode(), limits=ANSWER)
    except OutboundError as failure:
        return f"not reached: {failure.reason}"
    if answer.status == GONE:
        WebhookEndpoint.objects.filter(pk=row.endpoint_id).update(
            enabled=False, disabled_reason="the address answered that it is gone (410)"
        )
    return "" if 200 <= answer.status < 300 else f"answered {answer.status}"


def _note(row: WebhookDelivery, error: str, now: datetime) -> None:
    mine = WebhookDelivery.objects.filter(pk=row.pk, state="waiting")
    endpoint = WebhookEndpoint.objects.filter(pk=row.endpoint_id)
    if not error:
        mine.update(state="delivered", attempts=F("attempts") + 1, error="", ended_at=now)
        endpoint.update(failing_since=None)
        log.info("webhook_delivered", endpoint=row.endpoint_id, message=row.pk)
        return
    log.warning("webhook_not_delivered", endpoint=row.endpoint_id, message=row.pk, error=error)
    if row.attempts < len(WAITS):
        mine.update(attempts=F("attempts") + 1, error=error, retry_at=now + WAITS[row.attempts])
    else:
        mine.update(state="failed", attempts=F("attempts") + 1, error=error, ended_at=now)
    endpoint.filter(failing_since=None).update(failing_since=now)
    endpoint.filter(failing_since__lte=now - GIVE_UP_AFTER, enabled=True).update(
        enabled=False, disabled_reason="deliveries failed for seven days"
    )
