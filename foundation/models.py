"""Collects this app's tables for Django; nothing imports this module."""

from foundation.jobs.models import Job
from foundation.ledger.models import Checkpoint, Entry, EntrySubject, EntryText, Head, Position

__all__ = ["Checkpoint", "Entry", "EntrySubject", "EntryText", "Head", "Job", "Position"]
