"""Places and lifts restrictions: the only writer of these tables.

Each call is one transaction: the restrictions, the own effect of every subject, a ledger
entry, and a mark that tells the publisher of status lists which bits to look at. Twenty-four
thousand accounts take the same handful of statements as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from foundation.ledger.append import append
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.insert import insert_for
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import Subject, SubjectRef, in_chunks, lock_accounts, recompute
from passport.status.dirty import mark

LISTED = 1_000
"""A ledger entry of a batch names its subjects up to here; beyond, the batch's own set does."""
CHUNK = 10_000
THROTTLED = frozenset({Subject.ACCOUNT.value, Subject.AGENT.value})

__all__ = ["CannotLift", "SubjectRef", "expire", "lift", "lift_selected", "place"]


class CannotLift(Exception):
    """The restriction is final: a stolen key's, a leaked signing key's, or one past its undo window."""


def place(
    subjects: Sequence[SubjectRef],
    *,
    effect: Effect,
    reason: str,
    actor: str,
    now: datetime,
    factor: float = 1.0,
    note: str = "",
    environment: str = "",
    batch_id: str | None = None,
    ends_at: datetime | None = None,
    issued_before: datetime | None = None,
    final: bool = False,
    undo_until: datetime | None = None,
) -> int:
    """Restrict all subjects, or none. Gives how many restrictions were placed.

    With an ``environment`` an account is restricted as far as its agents of that one go, and
    the agents of the other are untouched.

    ``issued_before`` (not after ``now``) covers only the passports of the subjects issued
    before it. Under the account lock that set is closed, so it is laid down passport by
    passport; a token without a passport lives five minutes and is not covered.
    ``undo_until`` keeps a revoke published as SUSPENDED until then.

    Raises ValueError for a combination that has no meaning.
    """
    _check(
        subjects, effect, factor=factor, now=now, ends_at=ends_at, issued_before=issued_before, final=final
    )
    with transaction.atomic():
        lock_accounts([subject.account_id for subject in subjects])
        if issued_before is not None:
            subjects = _passports_of(subjects, environment, issued_before, now)
        if not subjects:
            return 0
        insert_for(
            subjects,
            {
                "environment": environment,
                "effect": effect,
                "factor": factor,
                "reason": reason,
                "note": note,
                "placed_by": actor,
                "placed_at": now,
                "batch_id": batch_id,
                "ends_at": ends_at,
                "issued_before": issued_before,
                "final": final,
                "undo_until": undo_until,
            },
        )
        _settle(
            "restriction.placed",
            subjects,
            effect,
            environment=environment,
            actor=actor,
            reason=reason,
            now=now,
            batch_id=batch_id,
        )
    return len(subjects)


def lift(restriction_ids: Sequence[int], *, actor: str, now: datetime, reason: str) -> int:
    """Lift these restrictions; those already lifted are left as they are. Gives how many were lifted.

    Raises CannotLift, and lifts none, when one of them is final.
    """
    return lift_selected(
        Restriction.objects.filter(pk__in=restriction_ids), actor=actor, now=now, reason=reason
    )


def lift_selected(
    rows: QuerySet[Restriction], *, actor: str, now: datetime, reason: str, batch_id: str | None = None
) -> int:
    """Lift what the query selects and is still in force. Same promises as ``lift``."""
    with transaction.atomic():
        standing = rows.filter(lifted_at=None)
        lock_accounts(list(standing.values_list("account_id", flat=True)))
        found = list(
            standing.order_by("pk").values_list(
                "pk", "subject_type", "subject_id", "account_id", "effect", "final"
            )
        )
        if any(final for *_, final in found):
            raise CannotLift("a final restriction stays")
        if not found:
            return 0
        _mark_lifted([pk for pk, *_ in found], actor=actor, now=now)
        subjects = [SubjectRef(kind, name, account) for _, kind, name, account, _, _ in found]
        strongest = Effect(max(effect for *_, effect, _ in found))
        _settle(
            "restriction.lifted", subjects, strongest, actor=actor, reason=reason, now=now, batch_id=batch_id
        )
    return len(found)


def expire(now: datetime, limit: int = 5_000) -> int:
    """Lift what has come to its end, up to ``limit`` at once. Gives how many; call it again until 0."""
    due = Restriction.objects.filter(lifted_at=None, ends_at__lte=now).order_by("ends_at", "pk")[:limit]
    ids = list(due.values_list("pk", flat=True))
    if not ids:
        return 0
    rows = Restriction.objects.filter(pk__in=ids)
    return lift_selected(rows, actor="system:expiry", now=now, reason="ended")


def settle_windows(now: datetime) -> int:
    """Revokes whose undo window has closed are final from now: their bits turn from SUSPENDED to INVALID."""
    with transaction.atomic():
        due = Restriction.objects.filter(lifted_at=None, undo_until__lte=now)
        found = list(due.order_by("pk").select_for_update().values_list("pk", "subject_type", "subject_id"))
        for part in in_chunks_of([pk for pk, *_ in found]):
            Restriction.objects.filter(pk__in=part).update(undo_until=None, final=True)
        _mark_status([SubjectRef(kind, name, "") for _, kind, name in found], None)
    return len(found)


def _check(
    subjects: Sequence[SubjectRef],
    effect: Effect,
    *,
    factor: float,
    now: datetime,
    ends_at: datetime | None,
    issued_before: datetime | None,
    final: bool,
) -> None:
    if effect == Effect.NONE:
        raise ValueError("a restriction has an effect")
    if effect == Effect.THROTTLE and any(subject.type not in THROTTLED for subject in subjects):
        raise ValueError("accounts and agents are throttled: nothing else has a budget")
    if not 0.0 <= factor <= 1.0 or (factor < 1.0 and effect != Effect.THROTTLE):
        raise ValueError("a throttle has a factor between 0 and 1; nothing else has one")
    if effect == Effect.REVOKE and ends_at is not None:
        raise ValueError("a revoke has no end: suspend instead")
    if ends_at is not None and ends_at <= now:
        raise ValueError("the end lies in the past")
    if final and effect != Effect.REVOKE:
        raise ValueError("only a revoke is final")
    if issued_before is not None and (issued_before > now or effect == Effect.THROTTLE):
        raise ValueError("issued_before lies in the past and goes with suspend or revoke")


def _passports_of(
    subjects: Sequence[SubjectRef], environment: str, issued_before: datetime, now: datetime
) -> list[SubjectRef]:
    """The living passports of these subjects, in one environment or both, issued before a moment."""
    there = {"environment": environment} if environment else {}
    column = {
        Subject.ACCOUNT: "account_id__in",
        Subject.AGENT: "agent__client_id__in",
        Subject.KEY: "key_id__in",
        Subject.PASSPORT: "jti__in",
        Subject.SIGNING_KEY: "signing_key_id__in",
    }
    found: dict[str, SubjectRef] = {}
    for kind, ids in _by_type(subjects).items():
        for part in in_chunks(ids):
            rows = Passport.objects.filter(
                **{column[Subject(kind)]: part}, **there, issued_at__lt=issued_before, expires_at__gt=now
            )
            for jti, account_id in rows.values_list("jti", "account_id"):
                found[jti] = SubjectRef(Subject.PASSPORT, jti, account_id)
    return [found[jti] for jti in sorted(found)]


def _mark_lifted(ids: Sequence[int], *, actor: str, now: datetime) -> None:
    for part in in_chunks_of(ids):
        Restriction.objects.filter(pk__in=part).update(lifted_at=now, lifted_by=actor)


def in_chunks_of(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _by_type(subjects: Sequence[SubjectRef]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        ids[subject.type].append(subject.id)
    return ids


def _settle(
    entry: str,
    subjects: Sequence[SubjectRef],
    effect: Effect,
    *,
    environment: str = "",
    actor: str,
    reason: str,
    now: datetime,
    batch_id: str | None,
) -> None:
    """What follows each change: own effects, the mark for the publisher, the record."""
    for kind, ids in _by_type(subjects).items():
        recompute(kind, ids, now)
    _mark_status(subjects, batch_id)
    payload: dict[str, object] = {"effect": effect.name.lower(), "count": len(subjects)}
    if environment:
        payload["environment"] = environment
    _record(entry, subjects, payload, actor=actor, reason=reason, now=now, batch_id=batch_id)


def _mark_status(subjects: Sequence[SubjectRef], batch_id: str | None) -> None:
    for kind, ids in _by_type(subjects).items():
        mark(kind, ids, batch_id=batch_id)


def _record(
    entry: str,
    subjects: Sequence[SubjectRef],
    payload: dict[str, object],
    *,
    actor: str,
    reason: str,
    now: datetime,
    batch_id: str | None,
) -> None:
    named: list[str] = []
    if batch_id:
        payload["batch"] = batch_id
        named.append(batch_id)
    if not batch_id or len(subjects) < LISTED:
        payload["subjects"] = _by_type(subjects)
        for subject in subjects:
            named += [subject.id, subject.account_id]
    append(
        entry,
        actor=actor,
        reason=reason,
        subject_ids=[name for name in dict.fromkeys(named) if name],
        payload=payload,
        at=now,
    )
