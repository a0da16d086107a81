"""Takes a batch back, whole or member by member: lifts exactly what it placed, and nothing else."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.linkage.memory import forget
from foundation import clock
from foundation.jobs.outbox import enqueue, job
from passport.conf import issuer
from passport.restrictions.models import Restriction
from passport.restrictions.place import CannotLift, lift_selected
from passport.restrictions.publish import publish
from passport.revocation.batch import BatchError, State, check_undo
from passport.revocation.models import BatchMember, RevocationBatch
from passport.revocation.receipt import write_receipt
from passport.revocation.steps import get_batch, move, record

UNDONE = "passport.revocation.undone"
ACTOR = "system:revocation"


def undo(
    batch_id: str,
    actor: str,
    reason: str,
    account_ids: Sequence[str] | None = None,
    *,
    now: datetime,
) -> int:
    """Lift what the batch placed: on everybody, or on these accounts. Gives how many were lifted.

    What was restricted for another reason stays so. Undoing somebody twice lifts nothing more.
    Raises BatchError: ``no_reason``, ``window_closed``, ``final``, ``not_a_member``; with
    ``conflict`` ``wrong_state``, for a batch that still runs has to finish first.
    """
    if not reason.strip():
        raise BatchError("no_reason", "say why it is undone")
    batch = get_batch(batch_id)
    check_undo(undo_until=batch.undo_until, now=now)
    try:
        with transaction.atomic():
            if account_ids is None:
                return _undo_all(batch, actor, reason.strip()[:64], now)
            return _undo_some(batch, actor, reason.strip()[:64], account_ids, now)
    except CannotLift as final:
        raise BatchError("final", str(final)) from final


@job(UNDONE)
def finish_undo(batch_id: str) -> None:
    """What follows the fact of an undo. Every step may be done twice."""
    publish()
    batch = get_batch(batch_id)
    now = clock.now()
    if batch.state == State.UNDOING:
        with transaction.atomic():
            forget(batch.pk)
            move(batch, State.UNDONE, actor=ACTOR, now=now)
    if batch.state == State.UNDONE and not batch.undo_receipt:
        write_receipt(batch.pk, issuer(), now=now)


def _undo_all(batch: RevocationBatch, actor: str, reason: str, now: datetime) -> int:
    move(batch, State.UNDOING, actor=actor, now=now, undone_by=actor, undone_at=now, undo_reason=reason)
    lifted = lift_selected(
        Restriction.objects.filter(batch_id=batch.pk), actor=actor, now=now, reason=reason, batch_id=batch.pk
    )
    BatchMember.objects.filter(batch=batch, excluded=False, undone_at=None).update(undone_at=now)
    enqueue(UNDONE, {"batch_id": batch.pk}, key=f"undone:{batch.pk}")
    return lifted


def _undo_some(
    batch: RevocationBatch, actor: str, reason: str, account_ids: Sequence[str], now: datetime
) -> int:
    held = RevocationBatch.objects.select_for_update().get(pk=batch.pk)
    if held.state != State.DONE:
        raise BatchError("wrong_state", f"the batch is {held.state}", conflict=True)
    members = BatchMember.objects.filter(batch=batch, excluded=False)
    chosen = members.filter(account_id__in=account_ids)
    missing = set(account_ids).difference(chosen.values_list("account_id", flat=True))
    if missing:
        raise BatchError("not_a_member", "not in the set", accounts=sorted(missing))
    if not members.exclude(account_id__in=account_ids).filter(undone_at=None).exists():
        batch.state = held.state
        return _undo_all(batch, actor, reason, now)
    rows = Restriction.objects.filter(batch_id=batch.pk, account_id__in=account_ids)
    lifted = lift_selected(rows, actor=actor, now=now, reason=reason)
    chosen.filter(undone_at=None).update(undone_at=now)
    record(batch, "member_undone", actor=actor, now=now, reason=reason, accounts=sorted(set(account_ids)))
    return lifted
