"""Reads the record: by position for machines, by subject for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.ledger.models import Checkpoint, Entry, EntrySubject, Head, Position, Waiting


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with its number in the one order."""

    number: int
    type: str
    at: datetime
    actor: str
    subject_ids: Sequence[str]
    reason: str
    payload: Mapping[str, Any]
    digest: bytes


def head() -> int:
    """The last number given; 0 when there is none."""
    return Head.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def entries_after(position: int, limit: int = 500) -> list[Placed]:
    """Up to ``limit`` entries with numbers above ``position``, in order, without a gap.

    Numbers are given after commit under one lock, so whoever resumes behind the last
    number it saw misses nothing, however late an entry was committed.
    """
    rows = Position.objects.filter(number__gt=position).order_by("number").select_related("entry")[:limit]
    return [placed(row.number, row.entry) for row in rows]


def placed(number: int, entry: Entry) -> Placed:
    return Placed(
        number=number,
        type=entry.type,
        at=entry.at,
        actor=entry.actor,
        subject_ids=entry.subject_ids,
        reason=entry.reason,
        payload=entry.payload,
        digest=bytes(entry.digest),
    )


def entries_about(subject_id: str, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The newest entries about a subject, newest first; ``before`` is an entry's id to page behind."""
    subjects = EntrySubject.objects.filter(subject_id=subject_id)
    if before is not None:
        subjects = subjects.filter(entry_id__lt=before)
    rows = subjects.order_by("-entry_id").select_related("entry", "entry__position", "entry__text")[:limit]
    return [row.entry for row in rows]


def entries_of(subject_ids: Sequence[str], types: Sequence[str], *, limit: int) -> list[Entry]:
    """The newest entries of these types about any of the subjects, newest first. One query."""
    about = EntrySubject.objects.filter(subject_id__in=subject_ids).values("entry_id")
    return list(Entry.objects.filter(pk__in=about, type__in=types).order_by("-pk")[:limit])


def last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def waiting_since() -> datetime | None:
    """The moment of the oldest entry without a number; None when all have theirs. One index read."""
    return Waiting.objects.order_by("pk").values_list("entry__at", flat=True).first()
