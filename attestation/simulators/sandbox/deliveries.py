"""The sandbox provider's webhooks: thin, signed after Standard Webhooks, tried again, or spoilt on purpose.

The signature is ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``, under the
base64-decoded rest of the ``whsec_`` secret (Standard Webhooks specification, "Symmetric").
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db.models import F

from attestation import conf
from attestation.simulators.models import SandboxDelivery, SandboxSession
from attestation.simulators.sandbox.magic import Delivery
from foundation import clock
from foundation.ids import new_id
from foundation.jobs.outbox import enqueue, job
from foundation.outbound.client import OutboundError, fetch

log = structlog.get_logger()

DELIVER: Final = "attestation.sandbox.deliver"
WEBHOOK_PATH: Final = "/webhooks/sandbox"
MOST_ATTEMPTS: Final = 8
DELAY: Final = timedelta(seconds=10)
APART: Final = timedelta(seconds=2)
SKEW: Final = {Delivery.STALE: timedelta(minutes=-10), Delivery.FUTURE: timedelta(minutes=10)}
GONE: Final = 410
NOT_REACHED: Final = 0


def announce(session: SandboxSession, standings: Sequence[str], now: datetime) -> None:
    """Write one event for each standing, and the deliveries the session's mode makes of them."""
    mode = Delivery(session.delivery)
    for place, standing in enumerate(standings):
        event_id = new_id("evt")
        due_at = now
        if mode is Delivery.DELAY:
            due_at = now + DELAY
        elif mode is Delivery.REORDER:
            due_at = now + APART * (len(standings) - 1 - place)
        for _ in range(2 if mode is Delivery.DUP else 1):
            _queue(session, event_id, f"session.{standing}", mode, due_at, now)


def _queue(
    session: SandboxSession, event_id: str, type: str, mode: Delivery, due_at: datetime, now: datetime
) -> None:
    event = {
        "type": type,
        "timestamp": now.astimezone(UTC).isoformat(),
        "data": {"id": session.pk, "livemode": session.livemode},
    }
    row = SandboxDelivery.objects.create(
        session=session,
        event_id=event_id,
        type=type,
        body=json.dumps(event),
        mode=mode.value,
        due_at=due_at,
        created_at=now,
    )
    if mode is not Delivery.DROP:
        enqueue(DELIVER, {"delivery_id": row.pk}, due_at=due_at)


@job(DELIVER)
def deliver(delivery_id: int) -> None:
    """One attempt; the next one is queued with a growing wait until it is taken or given up."""
    row = SandboxDelivery.objects.get(pk=delivery_id)
    if row.delivered_at is not None:
        return
    status = _attempt(row)
    attempts = row.attempts + 1
    SandboxDelivery.objects.filter(pk=row.pk).update(
        attempts=F("attempts") + 1,
        answer=status,
        delivered_at=clock.now() if 200 <= status < 300 else None,
    )
    if not 200 <= status < 300 and _tries_again(row, attempts, status):
        due_at = clock.now() + timedelta(seconds=2**attempts)
        enqueue(DELIVER, {"delivery_id": row.pk}, due_at=due_at)


def _attempt(row: SandboxDelivery) -> int:
    if row.mode == Delivery.FAIL_FIRST and row.attempts == 0:
        return NOT_REACHED
    body = row.body.encode()
    try:
        answer = fetch(
            "POST",
            conf.issuer() + WEBHOOK_PATH,
            headers={"Content-Type": "application/json", **signed_headers(row, body, clock.now())},
            body=body,
            allow_private=True,
        )
    except OutboundError as failure:
        log.info("sandbox_delivery_failed", delivery=row.pk, error=type(failure).__name__)
        return NOT_REACHED
    return answer.status


def _tries_again(row: SandboxDelivery, attempts: int, status: int) -> bool:
    spoilt = row.mode in {Delivery.BADSIG, Delivery.STALE, Delivery.FUTURE}
    return not spoilt and attempts < MOST_ATTEMPTS and status != GONE


def signed_headers(row: SandboxDelivery, body: bytes, now: datetime) -> dict[str, str]:
    signed_at = now + SKEW.get(Delivery(row.mode), timedelta(0))
    timestamp = str(int(signed_at.timestamp()))
    secret = base64.b64decode(conf.sandbox_webhook_secrets()[0].removeprefix("whsec_"))
    if row.mode == Delivery.BADSIG:
        secret = os.urandom(32)
    signed = f"{row.event_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": row.event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
