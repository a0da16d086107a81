"""Writes an entry in the caller's transaction. What gives it a number comes after commit."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
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


@dataclass(frozen=True, slots=True)
class Happened:
    """One of many entries that are appended together; as the parameters of ``append``."""

    type: str
    actor: str
    at: datetime
    subject_ids: Sequence[str] = ()
    reason: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


def append_many(happened: Iterable[Happened]) -> None:
    """Record many things in this order, in the caller's transaction: three statements for each 500."""
    for chunk in batched(happened, 500):
        entries = Entry.objects.bulk_create([_entry(one) for one in chunk])
        EntrySubject.objects.bulk_create(
            [
                EntrySubject(subject_id=subject, entry=entry)
                for entry, one in zip(entries, chunk, strict=True)
                for subject in dict.fromkeys(one.subject_ids[:1000])
            ],
            batch_size=5_000,
        )
        Waiting.objects.bulk_create([Waiting(entry=entry) for entry in entries])
        sequence_soon()


def _entry(one: Happened) -> Entry:
    fields: dict[str, Any] = {
        "type": one.type,
        "at": one.at,
        "actor": one.actor,
        "subject_ids": list(one.subject_ids),
        "reason": one.reason,
        "payload": dict(one.payload),
    }
    return Entry(**fields, digest=hashlib.sha256(canonical(**fields)).digest())


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
    entry = _entry(Happened(type, actor, at, subject_ids, reason, content))
    entry.save(force_insert=True)
    EntrySubject.objects.bulk_create(
        [EntrySubject(subject_id=subject, entry=entry) for subject in dict.fromkeys(subject_ids[:1000])]
    )
    if text:
        EntryText.objects.create(entry=entry, text=text)
    Waiting.objects.create(entry=entry)
    sequence_soon()
    return entry
