"""Gives committed entries their place in the one order.

Entries are inserted by many transactions at once and become visible in any order. A number is
given only afterwards, by whoever holds the lock on the head: the numbers have no gap, and no
reader that resumes after n can miss an entry that committed late. Any number of processes may
call ``sequence``; each commit tries, ``manage.py run_ledger`` sweeps.
"""

import structlog
from django.db import DatabaseError, connection, transaction

from foundation import clock
from foundation.ledger.models import Head, Position, Waiting

log = structlog.get_logger()

CHUNK = 1000


def sequence_soon() -> None:
    """Number this transaction's entries as soon as it has committed; the sweep does what fails here."""
    transaction.on_commit(_try_to_sequence)


def _try_to_sequence() -> None:
    try:
        sequence()
    except DatabaseError as failure:
        log.warning("sequence_deferred", error=type(failure).__name__)


def sequence() -> int:
    """Number the entries that have none yet. Gives how many got a number.

    One query when none waits; else a row lock, a query and an insert for each 1,000 entries.
    """
    if not Waiting.objects.exists():
        return 0
    total = 0
    while True:
        given = _sequence_chunk()
        total += given
        if given < CHUNK:
            return total


def _sequence_chunk() -> int:
    with transaction.atomic():
        Head.objects.get_or_create(pk=1)
        heads = Head.objects.filter(pk=1)
        if connection.features.has_select_for_update:
            heads = heads.select_for_update()
        head = heads.get()
        waiting = list(Waiting.objects.order_by("entry_id").values_list("entry_id", flat=True)[:CHUNK])
        if not waiting:
            return 0
        now = clock.now()
        Position.objects.bulk_create(
            Position(number=head.number + offset, entry_id=entry_id, placed_at=now)
            for offset, entry_id in enumerate(waiting, 1)
        )
        Waiting.objects.filter(entry_id__in=waiting).delete()
        heads.update(number=head.number + len(waiting))
    return len(waiting)
