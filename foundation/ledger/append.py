"""Writes an entry in the caller's transaction. What gives it a number comes after commit."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from foundation import clock
from foundation.ledger.models import Entry, EntrySubject, EntryText, Waiting
from foundation.ledger.sequence import sequence_soon


def canonical(
    *,
    type: str,
    at: datetime,
    actor: str,
    subject_ids: Sequence[str],
    reason: str,
    payload: Mapping[str, Any],
) -> bytes:
    """The bytes that an entry's digest covers: JSON, sorted members, no spaces, ASCII."""
    return json.dumps(
        {
            "actor": actor,
            "at": at.isoformat(timespec="microseconds"),
            "payload": payload,
            "reason": reason,
            "subject_ids": list(subject_ids),
            "type": type,
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode("ascii")


def append(
    type: str,
    *,
    actor: str,
    subject_ids: Sequence[str] = (),
    reason: str = "",
    payload: Mapping[str, Any] | None = None,
    text: str = "",
    at: datetime | None = None,
) -> Entry:
    """Record what happened. Call it inside the transaction that changes the fact.

    ``payload`` is JSON without personal data and without secrets; ``text`` is free text,
    kept apart so that it can be erased. ``subject_ids`` are indexed (the first 1,000).
    """
    at = at or clock.now()
    content = dict(payload or {})
    if text:
        content["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    digest = hashlib.sha256(
        canonical(type=type, at=at, actor=actor, subject_ids=subject_ids, reason=reason, payload=content)
    ).digest()
    entry = Entry.objects.create(
        type=type,
        at=at,
        actor=actor,
        subject_ids=list(subject_ids),
        reason=reason,
        payload=content,
        digest=digest,
    )
    EntrySubject.objects.bulk_create(
        [EntrySubject(subject_id=subject, entry=entry) for subject in dict.fromkeys(subject_ids[:1000])]
    )
    if text:
        EntryText.objects.create(entry=entry, text=text)
    Waiting.objects.create(entry=entry)
    sequence_soon()
    return entry
