"""Webhooks of the sandbox provider, as Standard Webhooks signs them (pure).

Symmetric scheme: ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``; a header may
carry several signatures, separated by spaces, while a secret is being changed.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from attestation.contract import BadWebhook, EventRef

TOLERANCE_SECONDS: Final = 300
"""Either way: a timestamp ahead of time is as forged as an old one."""
LONGEST_ID: Final = 128
MOST_SIGNATURES: Final = 8


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> EventRef:
    """The event of a delivery. Raises BadWebhook. ``headers`` has lower-case names."""
    event_id = headers.get("webhook-id", "")
    if not 1 <= len(event_id) <= LONGEST_ID or not event_id.isascii() or not event_id.isprintable():
        raise BadWebhook("id")
    timestamp = headers.get("webhook-timestamp", "")
    check_age(timestamp, now)
    check_signature(f"{event_id}.{timestamp}.".encode() + body, headers.get("webhook-signature", ""), secrets)
    return read_event(event_id, body)


def check_age(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadWebhook("timestamp")
    age = now.timestamp() - int(timestamp)
    if age > TOLERANCE_SECONDS:
        raise BadWebhook("stale")
    if age < -TOLERANCE_SECONDS:
        raise BadWebhook("future")


def check_signature(signed: bytes, header: str, secrets: Sequence[str]) -> None:
    given = [part[3:] for part in header.split(" ")[:MOST_SIGNATURES] if part.startswith("v1,")]
    found = False
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = hmac.new(key, signed, hashlib.sha256).digest()
        for signature in given:
            found |= hmac.compare_digest(expected, decode_signature(signature))
    if not found:
        raise BadWebhook("signature")


def decode_signature(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def read_event(event_id: str, body: bytes) -> EventRef:
    try:
        return read(event_id, json.loads(body))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as damaged:
        raise BadWebhook("body") from damaged


def read(event_id: str, event: Any) -> EventRef:
    """The event of a parsed body. Raises ValueError, TypeError, KeyError, OverflowError."""
    if not isinstance(event, dict) or not isinstance(event["data"], dict):
        raise TypeError("an event is an object with data")
    kind, object_ref = event["type"], event["data"]["id"]
    for text, longest in ((kind, 100), (object_ref, 128)):
        if not isinstance(text, str) or not 1 <= len(text) <= longest or not text.isprintable():
            raise ValueError("type and data.id are short texts")
    if not isinstance(event["data"]["livemode"], bool):
        raise TypeError("livemode is true or false")
    occurred_at = datetime.fromisoformat(event["timestamp"])
    if occurred_at.tzinfo is None:
        raise ValueError("a timestamp names its zone")
    return EventRef(event_id, object_ref, kind, occurred_at.astimezone(UTC), event["data"]["livemode"])
