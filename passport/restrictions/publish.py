"""Carries facts to the status lists: marks, list by list, to content and deltas.

A list is one transaction under its row lock, so publishers in several processes do not meet
and a killed one leaves whole lists. Marks go when all their lists are done; doing a list
twice changes nothing.
"""

from datetime import datetime

from django.db import transaction

from foundation import clock
from foundation.jobs.outbox import job
from passport.restrictions.bits import Touched, lists_of, touched_by, values_on
from passport.status.change import change, lock_list
from passport.status.dirty import PUBLISH
from passport.status.models import StatusMark

MARKS = 1_000
"""Taken at once."""


@job(PUBLISH)
def publish() -> None:
    """Bring every list up to the facts committed before this call."""
    while publish_once(clock.now()) == MARKS:
        pass


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
        change(held, values_on(number, touched, now), now=now, marked_at=marked_at)
