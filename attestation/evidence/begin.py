"""Begins a proof, or takes up again the one that was left unfinished.

The row is committed before the provider is called, and its id is the reference: whatever the
provider tells us later can be matched, and a call that was cut off is repeated, not doubled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F

from attestation.contract import Started, StartRequest, State
from attestation.evidence.models import Attestation
from attestation.evidence.recompute import recompute
from attestation.evidence.tries import tries_left
from foundation.ledger.append import append

TRIES_IN_A_SESSION: Final = 3
LEVELS: Final = {"identity": ("document",), "payment": ("instrument", "charged")}
RESUMABLE: Final = (State.PENDING, State.FAILED)


class NoTriesLeft(Exception):
    """A person must look before this account may try again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    account_id: str
    environment: str
    kind: str
    level: str
    provider: str


def begin(wanted: Wanted, *, actor: str, now: datetime) -> Attestation:
    """A committed row to start at the provider. Raises NoTriesLeft."""
    with transaction.atomic():
        # Its lock makes two clicks one session.
        recompute(wanted.account_id, wanted.environment, now)
        if tries_left(wanted.account_id, wanted.environment, wanted.kind, now) == 0:
            raise NoTriesLeft
        row = _find_resumable(wanted, now)
        return _take_up(row, actor, now) if row else _open(wanted, actor, now)


def request_for(row: Attestation, return_url: str) -> StartRequest:
    return StartRequest(
        reference=row.pk,
        kind=row.kind,
        level=row.wanted_level,
        return_url=return_url,
        idempotency_key=f"att:{row.pk}:start:{row.attempt}",
    )


def note_started(row: Attestation, started: Started) -> None:
    Attestation.objects.filter(pk=row.pk).update(
        subject_ref=started.subject_ref, session_expires_at=started.expires_at
    )


def note_answered_error(row: Attestation) -> None:
    """The provider keeps its error for this key: the next call needs another."""
    Attestation.objects.filter(pk=row.pk).update(attempt=F("attempt") + 1)


def _find_resumable(wanted: Wanted, now: datetime) -> Attestation | None:
    rows = Attestation.objects.filter(
        account_id=wanted.account_id,
        environment=wanted.environment,
        kind=wanted.kind,
        provider=wanted.provider,
        wanted_level=wanted.level,
        state__in=RESUMABLE,
        hold="",
        tries__lt=TRIES_IN_A_SESSION,
    )
    usable = rows.exclude(session_expires_at__lte=now)
    return usable.order_by("-created_at").first()


def _take_up(row: Attestation, actor: str, now: datetime) -> Attestation:
    """A failed session that is tried again is on its way again, until the provider says more."""
    failed = Attestation.objects.filter(pk=row.pk, state=State.FAILED)
    if failed.update(state=State.PENDING, reason="", updated_at=now):
        _note(row, actor, now)
    return row


def _open(wanted: Wanted, actor: str, now: datetime) -> Attestation:
    row = Attestation.objects.create(
        account_id=wanted.account_id,
        environment=wanted.environment,
        kind=wanted.kind,
        provider=wanted.provider,
        wanted_level=wanted.level,
        started_by=actor,
        created_at=now,
        updated_at=now,
    )
    _note(row, actor, now)
    return row


def _note(row: Attestation, actor: str, now: datetime) -> None:
    append(
        "attestation.started",
        actor=actor,
        subject_ids=[row.pk, row.account_id],
        payload={"kind": row.kind, "provider": row.provider, "environment": row.environment},
        at=now,
    )
