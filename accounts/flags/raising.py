"""Raises and decides flags. The only writer of the table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.flags.models import Flag
from foundation import clock
from foundation.ledger.append import append


def raise_flag(
    *,
    account_id: str | None = None,
    cluster_id: str | None = None,
    environment: str,
    reason: str,
    source: str,
    confidence: float,
    evidence: Mapping[str, Any],
    raised_by: str,
    note: str = "",
    now: datetime | None = None,
) -> Flag:
    """Record a suspicion of an account or of a cluster.

    Where the same subject has an open flag for the same reason, that one is given back.
    ``confidence`` lies within 0 and 1. ``evidence`` is JSON without personal data; ``note`` is
    free text and lies in the record, where it can be erased.
    Raises ValueError without a subject, or for a confidence outside its range.
    """
    if not (account_id or cluster_id):
        raise ValueError("a flag is about an account or a cluster")
    if not 0 <= confidence <= 1:
        raise ValueError("confidence lies within 0 and 1")
    with transaction.atomic():
        flag, is_new = Flag.objects.get_or_create(
            account_id=account_id,
            cluster_id=None if account_id else cluster_id,
            environment=environment,
            reason=reason,
            state=Flag.State.OPEN,
            defaults={
                "source": source,
                "confidence": confidence,
                "evidence": dict(evidence),
                "raised_by": raised_by,
                "raised_at": now or clock.now(),
            },
        )
        if is_new:
            _record("flag.raised", flag, raised_by, note)
    return flag


def decide_flag(flag_id: str, state: str, by: str, *, now: datetime | None = None) -> bool:
    """Confirm or dismiss an open flag. False: somebody decided it first; their word stands."""
    if state not in {Flag.State.CONFIRMED, Flag.State.DISMISSED}:
        raise ValueError("a flag is confirmed or dismissed")
    with transaction.atomic():
        rows = Flag.objects.filter(pk=flag_id, state=Flag.State.OPEN)
        if not rows.update(state=state, decided_by=by, decided_at=now or clock.now()):
            return False
        _record("flag.decided", Flag.objects.get(pk=flag_id), by)
    return True


def _record(type: str, flag: Flag, actor: str, note: str = "") -> None:
    subjects = [flag.pk, *filter(None, (flag.account_id, flag.cluster_id))]
    payload = {
        "environment": flag.environment,
        "source": flag.source,
        "state": flag.state,
        "confidence": flag.confidence,
    }
    append(type, actor=actor, subject_ids=subjects, reason=flag.reason, payload=payload, text=note)
