"""Stops whoever comes back after a ban: suspended, after a while, in the words of an ordinary review.

A newcomer, or a sleeper, that shares 9 bits of two kinds with two of the revoked (LINKAGE 2.4) is
suspended 2 to 24 hours after it was found, at a random moment, and told only that its account is
reviewed: nobody learns by trying which card is remembered. It may appeal like anybody. Whoever
looks innocent is flagged for a person instead.
"""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.flags.models import Flag
from accounts.flags.raising import raise_flag
from accounts.linkage.memory import Return, find_returns
from accounts.linkage.models import Environment
from foundation import clock
from foundation.jobs.periodic import every
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from passport.restrictions.subjects import Subject
from passport.restrictions.switches import Name, is_on
from passport.revocation.innocent import perhaps_innocent
from passport.revocation.models import BatchMember, Quarantine

ACTOR = "system:quarantine"
REASON = "review"
LEAST_DELAY = timedelta(hours=2)
MOST_DELAY = timedelta(hours=24)


@every(600, "passport.revocation.quarantine")
def quarantine() -> None:
    now = clock.now()
    if is_on(Name.RESPONSES, now):
        return
    for environment in Environment.values:
        notice_returns(environment, now)
    act_on_due(now)


def notice_returns(environment: str, now: datetime) -> int:
    """Note whoever came back, each with a moment to act at. Once for an account and batch. Gives how many."""
    found = [one for one in find_returns(environment, now=now) if not _was_decided(one)]
    rows = Quarantine.objects.bulk_create(
        [
            Quarantine(
                account_id=one.account_id,
                environment=environment,
                batch_id=one.batch_id,
                noticed_at=now,
                due_at=now + _delay(),
            )
            for one in found
        ],
        ignore_conflicts=True,
    )
    return len(rows)


def act_on_due(now: datetime) -> int:
    """Suspend those whose moment has come, where the match still holds. Gives how many were looked at."""
    due = Quarantine.objects.filter(done_at=None, due_at__lte=now)
    if not due.exists():
        return 0
    still = {
        (one.account_id, environment, one.batch_id): one
        for environment in Environment.values
        for one in find_returns(environment, now=now)
    }
    rows = list(due.order_by("due_at", "pk"))
    for row in rows:
        _act(row, still.get((row.account_id, row.environment, row.batch_id)), now)
    return len(rows)


def _was_decided(one: Return) -> bool:
    """Whether the account was in the batch, or was left out of it on purpose, or noticed already."""
    in_batch = BatchMember.objects.filter(batch_id=one.batch_id, account_id=one.account_id)
    noticed = Quarantine.objects.filter(
        account_id=one.account_id, environment=one.environment, batch_id=one.batch_id
    )
    return in_batch.exists() or noticed.exists()


def _delay() -> timedelta:
    span = int((MOST_DELAY - LEAST_DELAY).total_seconds())
    return LEAST_DELAY + timedelta(seconds=secrets.randbelow(span + 1))


def _act(row: Quarantine, match: Return | None, now: datetime) -> None:
    with transaction.atomic():
        if not Quarantine.objects.filter(pk=row.pk, done_at=None).update(done_at=now):
            return
        if match is None:
            return
        if perhaps_innocent([row.account_id], row.environment, now):
            _ask_a_person(match)
            return
        place(
            [SubjectRef(Subject.ACCOUNT, row.account_id, row.account_id)],
            effect=Effect.SUSPEND,
            reason=REASON,
            actor=ACTOR,
            now=now,
            environment=row.environment,
        )
        _ask_a_person(match)


def _ask_a_person(match: Return) -> None:
    """What is shared, by kind alone, stands in the queue for staff; never in what the owner reads."""
    raise_flag(
        account_id=match.account_id,
        environment=match.environment,
        reason="ban_evasion",
        source=Flag.Source.DETECTOR,
        confidence=0.7,
        evidence={"kinds": list(match.kinds), "bits": match.bits, "batch": match.batch_id},
        raised_by=ACTOR,
    )
