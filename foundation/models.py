"""Collects this app's tables for Django; nothing imports this module."""

from foundation.jobs.models import Job, Periodic
from foundation.ledger.models import (
    Checkpoint,
    Entry,
    EntrySubject,
    EntryText,
    Head,
    LedgerKey,
    Position,
    Waiting,
)
from foundation.outbound.models import StoredDocument
from foundation.web.cache import CacheRow

__all__ = [
    "CacheRow",
    "Checkpoint",
    "Entry",
    "EntrySubject",
    "EntryText",
    "Head",
    "Job",
    "LedgerKey",
    "Periodic",
    "Position",
    "StoredDocument",
    "Waiting",
]
