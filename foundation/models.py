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

__all__ = [
    "Checkpoint",
    "Entry",
    "EntrySubject",
    "EntryText",
    "Head",
    "Job",
    "LedgerKey",
    "Periodic",
    "Position",
    "Waiting",
]
