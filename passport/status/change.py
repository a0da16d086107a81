"""Turns new values into new content and a delta, in one transaction with a ledger entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from foundation.ledger.append import append
from passport.protocol import INVALID, SUSPENDED, VALID
from passport.status.allocate import DRAW, decoys_of
from passport.status.encode import compress, get_value, pack, with_values
from passport.status.models import StatusDelta, StatusList

ACTOR = "system:status"


@dataclass(slots=True)
class Difference:
    """What a change does to a list. A delta only tightens; loosening comes by the signed list."""

    suspended: list[int] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    loosened: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.suspended or self.invalid or self.loosened)

    def add(self, index: int, old: int, new: int) -> None:
        if old == new:
            return
        if new == INVALID:
            self.invalid.append(index)
        elif new == SUSPENDED and old == VALID:
            self.suspended.append(index)
        else:
            self.loosened.append(index)


def lock_list(number: int) -> StatusList:
    """The list, held until the transaction ends: one publisher at a time."""
    return StatusList.objects.select_for_update().get(number=number)


def change(held: StatusList, values: Mapping[int, int], *, now: datetime, marked_at: datetime) -> Difference:
    """Set the values of a list held by ``lock_list``. Nothing is written when nothing differs.

    Read the values under the same lock, or a later publisher's may be overwritten.
    """
    content = bytes(held.content)
    difference = Difference()
    for index, value in values.items():
        difference.add(index, get_value(content, held.bits, index), value)
    if not difference:
        return difference
    decoys = _turn_decoys(held, content, difference)
    changed = {index: values[index] for index in _indexes(difference)}
    for index, value in decoys.items():
        difference.add(index, get_value(content, held.bits, index), value)
    held.content = with_values(content, held.bits, changed | decoys)
    held.save(update_fields=["content"])
    _record(held, difference, now=now, marked_at=marked_at)
    return difference


def _indexes(difference: Difference) -> list[int]:
    return difference.suspended + difference.invalid + difference.loosened


def _turn_decoys(held: StatusList, content: bytes, difference: Difference) -> dict[int, int]:
    """A few decoys that turn the same way, so that a delta does not tell how many were hit."""
    decoys = decoys_of(held)
    if difference.loosened:
        able = [index for index in decoys if get_value(content, held.bits, index) == SUSPENDED]
        return dict.fromkeys(_some(able, len(difference.loosened)), VALID)
    able = [index for index in decoys if get_value(content, held.bits, index) == VALID]
    value = SUSPENDED if difference.suspended else INVALID
    return dict.fromkeys(_some(able, len(difference.suspended) + len(difference.invalid)), value)


def _some(able: list[int], beside: int) -> list[int]:
    wanted = DRAW.randrange(2 + min(beside, 20))
    return DRAW.sample(able, min(wanted, len(able)))


def _record(held: StatusList, difference: Difference, *, now: datetime, marked_at: datetime) -> None:
    suspended, invalid = pack(difference.suspended), pack(difference.invalid)
    smaller = len(compress(bytes(held.content))) < len(suspended) + len(invalid)
    delta = StatusDelta.objects.create(
        list=held,
        suspended="" if smaller else suspended,
        invalid="" if smaller else invalid,
        whole=smaller or bool(difference.loosened),
        marked_at=marked_at,
        created_at=now,
    )
    append(
        "status.published",
        actor=ACTOR,
        payload={"list": held.number, "changed": len(_indexes(difference)), "delta": delta.pk},
        at=now,
    )
