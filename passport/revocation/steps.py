"""Moves batches: each step is a conditional UPDATE and a ledger entry, taken by whoever is first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation.ledger.append import append
from passport.fields import Effect
from passport.restrictions.subjects import SubjectRef
from passport.revocation.batch import BatchError, State, WrongState, check_step
from passport.revocation.models import BatchMember, ChosenList, RevocationBatch

MOST_NOTE = 1_000


def get_batch(batch_id: str) -> RevocationBatch:
    """Raises BatchError with the code ``unknown``."""
    found = RevocationBatch.objects.filter(pk=batch_id).first()
    if found is None:
        raise BatchError("unknown", f"no batch {batch_id}")
    return found


def create_batch(
    *,
    environment: str,
    chosen_by: str,
    chosen_from: str,
    reason: str,
    actor: str,
    now: datetime,
    effect: Effect = Effect.SUSPEND,
    factor: float = 1.0,
    note: str = "",
    flag_id: str = "",
    follows: str = "",
    names: Sequence[str] = (),
) -> RevocationBatch:
    """A draft. ``chosen_by`` is a way of ``select.WAYS``, ``chosen_from`` the id it takes.

    For a list, ``chosen_from`` is what it is called and ``names`` what it holds.

    Raises BatchError (``no_reason``, ``bad_effect``). Nothing is looked up before the preview.
    """
    if not reason.strip():
        raise BatchError("no_reason", "a batch needs a reason")
    if effect == Effect.NONE or not 0 <= factor <= 1 or (factor < 1 and effect != Effect.THROTTLE):
        raise BatchError("bad_effect", "throttle with a factor between 0 and 1, suspend or revoke")
    with transaction.atomic():
        batch = RevocationBatch.objects.create(
            environment=environment,
            chosen_by=chosen_by,
            chosen_from=chosen_from[:128],
            cluster_id=chosen_from[:64] if chosen_by in {"cluster", "newcomers"} else "",
            follows=follows,
            flag_id=flag_id,
            effect=effect,
            factor=factor,
            reason=reason.strip()[:64],
            note=note[:MOST_NOTE],
            requested_by=actor,
            created_at=now,
        )
        if names:
            ChosenList.objects.create(batch=batch, names=list(names))
        record(batch, State.DRAFT, actor=actor, now=now)
    return batch


def move(batch: RevocationBatch, wanted: State, *, actor: str, now: datetime, **fields: Any) -> None:
    """Take the step if nobody took another first. Raises WrongState. In the caller's transaction."""
    check_step(State(batch.state), wanted)
    rows = RevocationBatch.objects.filter(pk=batch.pk, state=batch.state)
    if not rows.update(state=wanted, **fields):
        raise WrongState(get_batch(batch.pk).state, wanted)
    batch.state = wanted
    for name, value in fields.items():
        setattr(batch, name, value)
    record(batch, wanted, actor=actor, now=now)


def cancel(batch_id: str, actor: str, reason: str, *, now: datetime) -> RevocationBatch:
    """Give up a batch that has not run; also an approver's refusal. Raises BatchError."""
    if not reason.strip():
        raise BatchError("no_reason", "say why")
    batch = get_batch(batch_id)
    with transaction.atomic():
        move(batch, State.CANCELLED, actor=actor, now=now, undo_reason=reason.strip()[:64])
    return batch


def record(
    batch: RevocationBatch, what: str, *, actor: str, now: datetime, reason: str = "", **payload: object
) -> None:
    """An entry ``batch.<what>`` about the batch and, where it is one, its cluster."""
    append(
        f"batch.{what}",
        actor=actor,
        subject_ids=[name for name in (batch.pk, batch.cluster_id, batch.flag_id) if name],
        reason=reason or batch.reason,
        payload={
            "effect": Effect(batch.effect).name.lower(),
            "environment": batch.environment,
            "set_digest": batch.set_digest,
            **payload,
        },
        at=now,
    )


def taken_in(batch_id: str) -> list[BatchMember]:
    """The members of the set that are not left out, in order."""
    rows = BatchMember.objects.filter(batch_id=batch_id, excluded=False)
    return list(rows.order_by("subject_type", "subject_id"))


def subjects_of(batch_id: str) -> list[SubjectRef]:
    """The same set, as far as a restriction needs it."""
    rows = BatchMember.objects.filter(batch_id=batch_id, excluded=False)
    names = rows.order_by("subject_type", "subject_id").values_list(
        "subject_type", "subject_id", "account_id"
    )
    return [SubjectRef(*name) for name in names]
