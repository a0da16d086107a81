"""Gives each root of credentials a random place on a list. A place is never given twice:
a list closes when it is half full, and the next begins.
"""

import random
import struct
from datetime import datetime

from django.db import IntegrityError, transaction

from foundation.jobs.outbox import enqueue
from passport.protocol import INVALID, SUSPENDED
from passport.status.dirty import PUBLISH
from passport.status.encode import size_in_bytes, with_values
from passport.status.models import StatusEntry, StatusList

SIZE = 2**17
BITS = 2
FULL = SIZE // 2
"""At half, drawing at random still needs only two tries on average, and a fresh list begins."""
DECOYS = SIZE // 100
"""Places that belong to nobody and change with the others, so that nobody can count revocations."""
DECOYS_SET = DECOYS // 4
"""So many of them are set from the start."""
TRIES = 40
"""A list at most half full refuses so many draws once in 10^12 times."""

DRAW = random.SystemRandom()


def allocate(root: str, expires_at: datetime | None) -> tuple[int, int]:
    """The list number and index of ``root`` (a passport's jti, an agent's client_id).

    In the caller's transaction. Asking again for the same root gives the same place and
    keeps it at least until ``expires_at`` (None: for good). Two statements, no lock.
    """
    if held := StatusEntry.objects.filter(root=root).first():
        _keep(held, expires_at)
        return held.list_id, held.index
    for _ in range(TRIES):
        chosen = open_list()
        index = DRAW.randrange(chosen.size)
        if index in decoys_of(chosen):
            continue
        try:
            with transaction.atomic():
                StatusEntry.objects.create(list=chosen, index=index, root=root, expires_at=expires_at)
        except IntegrityError:
            if held := StatusEntry.objects.filter(root=root).first():
                return held.list_id, held.index
            continue
        return chosen.number, index
    raise RuntimeError("no free index found: the open list is fuller than it may be")


def open_list() -> StatusList:
    """The list that new roots go to; the first one is made here."""
    chosen = StatusList.objects.filter(open=True).order_by("-number").only("number", "size", "decoys").first()
    return chosen or add_list()


def add_list() -> StatusList:
    """A new, empty list under the next number. Whoever comes second gets the first one's."""
    last = StatusList.objects.order_by("-number").values_list("number", flat=True).first() or 0
    decoys = sorted(DRAW.sample(range(SIZE), DECOYS))
    values = {index: DRAW.choice((INVALID, SUSPENDED)) for index in DRAW.sample(decoys, DECOYS_SET)}
    empty = bytes(size_in_bytes(SIZE, BITS))
    try:
        with transaction.atomic():
            made = StatusList.objects.create(
                number=last + 1,
                bits=BITS,
                size=SIZE,
                content=with_values(empty, BITS, values),
                decoys=struct.pack(f">{len(decoys)}I", *decoys),
            )
            enqueue(PUBLISH)
            return made
    except IntegrityError:
        return StatusList.objects.get(number=last + 1)


def decoys_of(chosen: StatusList) -> tuple[int, ...]:
    raw = bytes(chosen.decoys)
    return struct.unpack(f">{len(raw) // 4}I", raw)


def roll_over() -> bool:
    """Close the open list when it is half full and begin the next. True when it did."""
    chosen = open_list()
    if StatusEntry.objects.filter(list=chosen).count() < FULL:
        return False
    add_list()
    return bool(StatusList.objects.filter(number=chosen.number).update(open=False))


def _keep(held: StatusEntry, expires_at: datetime | None) -> None:
    if held.expires_at is None or held.expires_at == expires_at:
        return
    if expires_at is None or expires_at > held.expires_at:
        StatusEntry.objects.filter(pk=held.pk).update(expires_at=expires_at)
