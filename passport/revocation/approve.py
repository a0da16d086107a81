"""Who may say yes, to what, and for how long. An approval binds the set that its giver saw."""

from datetime import datetime

from django.db.models import Count, Q, Sum

from accounts.people.models import User
from accounts.people.roles import given_to
from passport.revocation.batch import (
    HIT_WINDOW,
    BatchError,
    Drift,
    Role,
    State,
    check_second_person,
    check_view,
    drift,
    needs_second_person,
)
from passport.revocation.models import BatchMember, BatchView, RevocationBatch
from passport.revocation.preview import as_members
from passport.revocation.select import links_now
from passport.revocation.steps import get_batch, move, record, taken_in

APPROVER = "approver"
HITTING = (State.RUNNING, State.PAUSED, State.DONE, State.UNDOING, State.UNDONE)


def second_person_needed(batch: RevocationBatch, *, now: datetime) -> bool:
    """Whether this batch needs two people, given what else was hit within a day. Three queries."""
    members = BatchMember.objects.filter(batch=batch, excluded=False)
    hit = members.aggregate(n=Count("account_id", distinct=True))["n"]
    recent = RevocationBatch.objects.filter(state__in=HITTING, started_at__gt=now - HIT_WINDOW)
    recent = recent.exclude(pk=batch.pk)
    by_actor = recent.filter(Q(started_by=batch.requested_by) | Q(requested_by=batch.requested_by))
    in_cluster = recent.filter(cluster_id=batch.cluster_id) if batch.cluster_id else recent.none()
    return needs_second_person(
        by_actor=hit + (by_actor.aggregate(n=Sum("accounts_hit"))["n"] or 0),
        in_cluster=hit + (in_cluster.aggregate(n=Sum("accounts_hit"))["n"] or 0),
    )


def propose(batch_id: str, actor: str, *, now: datetime) -> RevocationBatch:
    """Ask a second person. Raises BatchError."""
    batch = get_batch(batch_id)
    move(batch, State.AWAITING, actor=actor, now=now)
    return batch


def approve(batch_id: str, actor: str, set_digest: str, *, now: datetime) -> RevocationBatch:
    """Approve the set of this digest, which ``actor`` opened (``preview.record_view``) just now.

    Raises BatchError: ``own_request``, ``not_an_approver``, ``role_too_new``,
    ``role_from_requester``, ``not_viewed``, ``view_too_old``; with ``conflict`` (409)
    ``set_changed``, ``cluster_changed``, ``already_approved``, ``wrong_state``.
    """
    batch = get_batch(batch_id)
    if batch.state not in {State.PREVIEWED, State.AWAITING}:
        raise BatchError("wrong_state", f"the batch is {batch.state}", conflict=True)
    view = BatchView.objects.filter(batch=batch, viewer=actor).first()
    check_view(
        viewed_at=view.viewed_at if view else None,
        viewed_digest=view.set_digest if view else "",
        set_digest=batch.set_digest,
        given_digest=set_digest,
        now=now,
    )
    check_people(batch, approver=actor, now=now)
    check_drift(batch)
    rows = RevocationBatch.objects.filter(
        pk=batch.pk, state=batch.state, set_digest=set_digest, approved_by=""
    )
    if not rows.update(approved_by=actor, approved_at=now):
        raise BatchError("already_approved", "somebody was first, or the set has changed", conflict=True)
    batch.approved_by, batch.approved_at = actor, now
    record(batch, "approved", actor=actor, now=now)
    return batch


def check_people(batch: RevocationBatch, *, approver: str, now: datetime) -> None:
    """Whether this approver is enough for this batch. Superusers are not exempt."""
    if second_person_needed(batch, now=now):
        check_second_person(
            approver=approver, requester=batch.requested_by, role=find_role(approver), now=now
        )


def check_drift(batch: RevocationBatch) -> Drift:
    """What has changed in the cluster since the preview. Raises BatchError ``cluster_changed``
    when a member left, was pinned apart or lost a link; newcomers do not matter here."""
    if not batch.cluster_id:
        return Drift((), (), ())
    rows = taken_in(batch.pk)
    changed = drift(as_members(rows), links_now(batch.cluster_id))
    if changed.breaks_approval:
        raise BatchError(
            "cluster_changed",
            "the cluster has changed: members left, or are linked by less than was shown",
            conflict=True,
            accounts=changed.left + changed.weakened,
        )
    return changed


def find_role(actor: str) -> Role | None:
    """Since when, and by whom, a person is an approver; None for who is none, or when nobody knows.

    The record of staff roles is the ledger: what was given behind its back does not count.
    """
    user_id = actor.removeprefix("user:")
    if not User.objects.filter(pk=user_id, is_active=True, is_staff=True, groups__name=APPROVER).exists():
        return None
    given = given_to([user_id]).get((user_id, APPROVER))
    return Role(since=given.since, given_by=given.by) if given else None
