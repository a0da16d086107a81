"""Carries out a batch: the fact in one transaction, then its way through lists, records, receipt.

The fact is in force wherever the issuer is asked as soon as it commits. What follows goes in
steps that each leave a mark, so a worker that dies is followed by one that goes on. A pause
holds those steps, not the fact, and not the status lists: these belong to the fact.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.linkage.memory import remember
from foundation import clock
from foundation.jobs.outbox import enqueue, job
from foundation.ledger.append import append
from passport.conf import issuer
from passport.fields import Effect
from passport.restrictions.place import LISTED, place
from passport.restrictions.publish import publish
from passport.revocation.approve import check_drift, check_people
from passport.revocation.batch import UNDO_WINDOW, BatchError, State, WrongState
from passport.revocation.models import BatchMember, RevocationBatch
from passport.revocation.receipt import write_receipt
from passport.revocation.steps import create_batch, get_batch, move, subjects_of

TRAVEL = "passport.revocation.travel"
ACTOR = "system:revocation"
RECORDED_AT_ONCE = 1_000
"""As many subjects as one ledger entry finds again."""
REMEMBERED_FOR = timedelta(days=730)
START_LOCK = 0x4150_5245
"""Two batches that start at once each count the other's accounts."""


def start(batch_id: str, actor: str, *, now: datetime) -> RevocationBatch:
    """Carry out an approved batch. The restrictions are in force when this returns.

    Raises BatchError: ``not_approved``, ``nobody_left``, what ``approve`` raises about people;
    with ``conflict`` (409) ``cluster_changed``, ``wrong_state``.
    """
    batch = get_batch(batch_id)
    # Reading a large cluster takes longer than restricting it, and locks nothing.
    changed = check_drift(batch)
    with transaction.atomic():
        _one_at_a_time()
        batch.refresh_from_db()
        _check_startable(batch, now)
        _lay_down(batch, actor=actor, now=now)
        if changed.newcomers and _newcomers_unknown(batch, changed.newcomers):
            _propose_follow_up(batch, actor=actor, now=now)
        enqueue(TRAVEL, {"batch_id": batch.pk}, key=f"travel:{batch.pk}")
    return batch


def pause(batch_id: str, actor: str, *, now: datetime) -> RevocationBatch:
    """Hold what follows the fact. The restrictions stay in force."""
    return _step(batch_id, State.PAUSED, actor=actor, now=now)


def resume(batch_id: str, actor: str, *, now: datetime) -> RevocationBatch:
    return _step(batch_id, State.RUNNING, actor=actor, now=now)


@job(TRAVEL)
def travel(batch_id: str) -> None:
    """Take a running batch to its end. Every step may be done twice."""
    publish()
    while _record_some(batch_id, clock.now()):
        pass
    if get_batch(batch_id).state == State.RUNNING:
        _finish(batch_id, clock.now())
    batch = get_batch(batch_id)
    if batch.state == State.DONE and not batch.receipt:
        write_receipt(batch_id, issuer(), now=clock.now())


def _step(batch_id: str, wanted: State, *, actor: str, now: datetime) -> RevocationBatch:
    batch = get_batch(batch_id)
    with transaction.atomic():
        move(batch, wanted, actor=actor, now=now)
        if wanted == State.RUNNING:
            enqueue(TRAVEL, {"batch_id": batch.pk}, key=f"travel:{batch.pk}")
    return batch


def _one_at_a_time() -> None:
    """On SQLite the transaction itself is alone."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [START_LOCK])


def _check_startable(batch: RevocationBatch, now: datetime) -> None:
    if batch.state not in {State.PREVIEWED, State.AWAITING}:
        raise WrongState(batch.state, State.RUNNING)
    if not batch.approved_by:
        raise BatchError("not_approved", "approve the preview first")
    # Others may have been hit since the approval: it may need a second person only now.
    check_people(batch, approver=batch.approved_by, now=now)


def _lay_down(batch: RevocationBatch, *, actor: str, now: datetime) -> None:
    """The fact."""
    members = subjects_of(batch.pk)
    if not members:
        raise BatchError("nobody_left", "everybody is left out")
    undo_until = now + UNDO_WINDOW if batch.effect == Effect.REVOKE else None
    move(
        batch,
        State.RUNNING,
        actor=actor,
        now=now,
        started_by=actor,
        started_at=now,
        accounts_hit=len({member.account_id for member in members}),
        undo_until=undo_until,
        recorded=len(members) if len(members) < LISTED else 0,
    )
    place(
        members,
        effect=Effect(batch.effect),
        factor=batch.factor,
        reason=batch.reason,
        actor=actor,
        now=now,
        environment=batch.environment,
        batch_id=batch.pk,
        undo_until=undo_until,
    )


def _newcomers_unknown(batch: RevocationBatch, newcomers: tuple[str, ...]) -> bool:
    """Whether somebody joined the cluster who was neither in the set nor left out of it."""
    left_out = BatchMember.objects.filter(batch=batch, excluded=True)
    return bool(set(newcomers).difference(left_out.values_list("account_id", flat=True)))


def _propose_follow_up(batch: RevocationBatch, *, actor: str, now: datetime) -> None:
    create_batch(
        environment=batch.environment,
        chosen_by="newcomers",
        chosen_from=batch.cluster_id,
        reason=batch.reason,
        actor=actor,
        now=now,
        effect=Effect(batch.effect),
        factor=batch.factor,
        flag_id=batch.flag_id,
        follows=batch.pk,
    )


def _record_some(batch_id: str, now: datetime) -> bool:
    """Let the next members' own histories show it. False when all do, or the batch was paused."""
    with transaction.atomic():
        batch = RevocationBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state != State.RUNNING:
            return False
        rows = BatchMember.objects.filter(batch=batch, excluded=False).order_by("pk")
        part = list(rows[batch.recorded : batch.recorded + RECORDED_AT_ONCE])
        if not part:
            return False
        names = [name for row in part for name in (row.subject_id, row.account_id)]
        append(
            "restriction.placed",
            actor=batch.started_by,
            subject_ids=list(dict.fromkeys(names))[:RECORDED_AT_ONCE],
            reason=batch.reason,
            payload={"effect": Effect(batch.effect).name.lower(), "count": len(part), "part_of": batch.pk},
            at=now,
        )
        RevocationBatch.objects.filter(pk=batch_id).update(recorded=batch.recorded + len(part))
    return True


def _finish(batch_id: str, now: datetime) -> None:
    batch = get_batch(batch_id)
    with transaction.atomic():
        if batch.effect == Effect.REVOKE:
            members = {member.account_id for member in subjects_of(batch_id)}
            remember(
                members,
                environment=batch.environment,
                reason=batch.reason,
                ends_at=now + REMEMBERED_FOR,
                batch_id=batch.pk,
                now=now,
            )
        move(batch, State.DONE, actor=ACTOR, now=now, done_at=now)
