"""Batches as JSON: what the commands print."""

from typing import Any

from passport.fields import Effect
from passport.revocation.models import BatchMember, RevocationBatch

MOST = 500


def summary(batch: RevocationBatch) -> dict[str, Any]:
    return {
        "batch": batch.pk,
        "state": str(batch.state),
        "environment": batch.environment,
        "chosen_by": batch.chosen_by,
        "chosen_from": batch.chosen_from,
        "effect": Effect(batch.effect).name.lower(),
        "reason": batch.reason,
        "requested_by": batch.requested_by,
        "approved_by": batch.approved_by or None,
        "set_digest": batch.set_digest or None,
        "accounts_hit": batch.accounts_hit,
        "created_at": batch.created_at.isoformat(timespec="seconds"),
        "started_at": batch.started_at.isoformat(timespec="seconds") if batch.started_at else None,
        "undo_until": batch.undo_until.isoformat(timespec="seconds") if batch.undo_until else None,
    }


def details(batch: RevocationBatch) -> dict[str, Any]:
    """With what the preview showed, the set and the receipts."""
    rows = BatchMember.objects.filter(batch=batch).order_by("subject_type", "subject_id")[:MOST]
    return {
        **summary(batch),
        "preview": batch.preview,
        "members": [
            {
                "type": row.subject_type,
                "id": row.subject_id,
                "account": row.account_id,
                "left_out": row.excluded_reason or None,
                "undone": row.undone_at is not None,
                "why": [reason["words"] for reason in row.why],
            }
            for row in rows
        ],
        "receipt": batch.receipt or None,
        "undo_receipt": batch.undo_receipt or None,
    }


def newest(state: str = "", limit: int = 50) -> list[RevocationBatch]:
    rows = RevocationBatch.objects.order_by("-created_at")
    return list((rows.filter(state=state) if state else rows)[:limit])
