"""Carries facts to the status lists: marks, list by list, to content and deltas.

A list is one transaction under its row lock, so publishers in several processes do not meet
and a killed one leaves whole lists. Marks go when all their lists are done; doing a list
twice changes nothing.
"""

from datetime import datetime

import structlog
from django.db import transaction

from foundation import clock
from foundation.jobs.outbox import job
from passport.conf import issuer
from passport.restrictions.bits import Touched, all_values_on, lists_of, touched_by, values_on
from passport.restrictions.subjects import Subject
from passport.status.change import change, lock_list
from passport.status.dirty import PUBLISH
from passport.status.metrics import PUBLISHED
from passport.status.models import StatusMark
from passport.status.sign import sign_aging, sign_changed, sign_older

log = structlog.get_logger()

MARKS = 1_000
"""Taken at once."""


@job(PUBLISH)
def publish() -> None:
    """Bring every list up to the facts committed before this call, and sign those that changed.

    Where a key of ours was withdrawn, all of them: readers refuse a list that it signed.
    """
    withdrawn = StatusMark.objects.filter(subject_type=Subject.SIGNING_KEY).exists()
    while publish_once(clock.now()) == MARKS:
        pass
    if withdrawn:
        sign_older(issuer(), clock.now(), clock.now())
    sign_changed(issuer(), clock.now())


def publish_aging() -> None:
    """Sign anew the lists whose signature ages: never one that lags behind a committed fact.

    Where the facts cannot be carried over, this raises before it signs: lists then end, and
    verifiers refuse.
    """
    publish()
    sign_aging(issuer(), clock.now())


def compare(number: int, now: datetime) -> int:
    """Bring every place of one list to what the facts say. Gives how many differed: 0, or a mark was lost."""
    with transaction.atomic():
        held = lock_list(number)
        difference = change(held, all_values_on(number, now), now=now, marked_at=now)
    found = len(difference.suspended) + len(difference.invalid) + len(difference.loosened)
    if found:
        log.error("status_list_differed", list=number, places=found)
        sign_changed(issuer(), now)
    return found


def publish_once(now: datetime) -> int:
    """Take up to ``MARKS`` marks to their lists. Gives how many."""
    marks = list(StatusMark.objects.order_by("pk")[:MARKS])
    if not marks:
        return 0
    touched = touched_by(marks)
    marked_at = min(mark.marked_at for mark in marks)
    for number in lists_of(touched, now):
        _publish_list(number, touched, now=now, marked_at=marked_at)
    StatusMark.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
    return len(marks)


def _publish_list(number: int, touched: Touched, *, now: datetime, marked_at: datetime) -> None:
    with transaction.atomic():
        held = lock_list(number)
        difference = change(held, values_on(number, touched, now), now=now, marked_at=marked_at)
    if difference:
        PUBLISHED.observe((clock.now() - marked_at).total_seconds())
