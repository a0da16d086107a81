"""Leaves word for the publisher: these subjects' bits may have changed."""

from collections.abc import Sequence

from foundation.jobs.outbox import enqueue
from passport.status.models import StatusMark

PUBLISH = "passport.status.publish"


def mark(subject_type: str, subject_ids: Sequence[str], *, batch_id: str | None = None) -> None:
    """Say it in the transaction that changed the fact. With a batch, its whole set is meant."""
    if not subject_ids:
        return
    StatusMark.objects.create(
        subject_type=subject_type,
        batch_id=batch_id or "",
        subject_ids=[] if batch_id else sorted(set(subject_ids)),
    )
    # Without a key: a job that is running may have read the marks before this one.
    enqueue(PUBLISH)
