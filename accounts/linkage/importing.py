"""Takes in a signal log: the same rows as ``observe`` makes one by one, a batch at a time.

Importing twice changes nothing, so a run that broke off is simply started again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import batched
from typing import IO

from django.db import transaction

from accounts.linkage.evidence import CHUNK, Value, counts_of
from accounts.linkage.models import ActivityDay, Kind, Signal
from accounts.linkage.observe import hashes_of, mark, move_keys
from accounts.linkage.signal_log import Active, BadLine, Observed, lines_of, parse_line
from accounts.linkage.weigh import CAPS
from accounts.owners.models import Account
from foundation.sealing.hashes import KeyedHash

BATCH_LINES = 2_000
KINDS = frozenset(Kind.values)


@dataclass(slots=True)
class Tally:
    """What a run did."""

    lines: int = 0
    bad_lines: int = 0
    new_accounts: int = 0
    new_signals: int = 0


@dataclass(slots=True)
class _Sighting:
    """An account and a value in one batch."""

    first: datetime
    last: datetime
    count: int = 1

    def add(self, at: datetime) -> None:
        self.count += at > self.last
        self.first, self.last = min(self.first, at), max(self.last, at)


type _Key = tuple[str, Value]


@dataclass(slots=True)
class _Batch:
    sightings: dict[_Key, _Sighting] = field(default_factory=dict)
    key_ids: dict[Value, str] = field(default_factory=dict)
    days: dict[tuple[str, date], int] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)


def import_log(
    stream: IO[bytes],
    environment: str,
    *,
    now: datetime,
    strict: bool,
    complain: Callable[[int, str], None],
    progress: Callable[[int], None],
) -> Tally:
    """Take in every good line, a transaction for each 2,000. ``complain`` hears of each bad one.

    With ``strict`` the first bad line ends the run; what came before it stays in.
    """
    tally = Tally()
    good = _good_lines(stream, tally, now=now, strict=strict, complain=complain)
    for lines in batched(good, BATCH_LINES):
        take_in(environment, lines, tally)
        progress(tally.lines)
    return tally


def _good_lines(
    stream: IO[bytes], tally: Tally, *, now: datetime, strict: bool, complain: Callable[[int, str], None]
) -> Iterator[Observed | Active]:
    for number, line in lines_of(stream):
        if line is not None and not line.strip():
            continue
        tally.lines += 1
        try:
            yield parse_line(line, KINDS, now=now)
        except BadLine as bad:
            tally.bad_lines += 1
            complain(number, str(bad))
            if strict:
                return


@transaction.atomic
def take_in(environment: str, lines: Sequence[Observed | Active], tally: Tally) -> None:
    """Write one batch and mark whose neighbourhood it changed."""
    batch = _gather(environment, lines)
    tally.new_accounts += _open_accounts(batch.accounts)
    fresh = _write_signals(environment, batch)
    tally.new_signals += len(fresh)
    _write_days(environment, batch)
    changed = [key for key in fresh if key[1].kind in CAPS]
    counts = counts_of(environment, {value for _, value in changed})
    # A value that nobody else has cannot change a group; its second holder brings the first.
    mark(environment, {account for account, value in changed if counts[value] > 1})


def _gather(environment: str, lines: Iterable[Observed | Active]) -> _Batch:
    batch = _Batch()
    hashes: dict[tuple[str, str], list[KeyedHash]] = {}
    for line in lines:
        batch.accounts.add(line.account)
        if isinstance(line, Active):
            slot = (line.account, line.day)
            batch.days[slot] = batch.days.get(slot, 0) | int.from_bytes(line.slots)
            continue
        name = (line.kind, line.value)
        if name not in hashes:
            hashes[name] = hashes_of(*name)
        newest = hashes[name][0]
        value = Value(line.kind, newest.digest)
        batch.key_ids[value] = newest.key_id
        sighting = batch.sightings.setdefault((line.account, value), _Sighting(line.at, line.at))
        sighting.add(line.at)
    _move_old_keys(environment, hashes)
    return batch


def _move_old_keys(environment: str, hashes: dict[tuple[str, str], list[KeyedHash]]) -> None:
    old = {
        (kind, older.digest): (newest, kind)
        for (kind, _), (newest, *rest) in hashes.items()
        for older in rest
    }
    for chunk in batched(sorted(old), CHUNK):
        rows = Signal.objects.filter(environment=environment, value_hash__in=[digest for _, digest in chunk])
        for kind, digest in set(rows.values_list("kind", "value_hash")):
            newest, _ = old[kind, bytes(digest)]
            move_keys(environment, kind, newest, [bytes(digest)])


def _open_accounts(account_ids: Iterable[str]) -> int:
    wanted = sorted(account_ids)
    known: set[str] = set()
    for ids in batched(wanted, CHUNK):
        known.update(Account.objects.filter(pk__in=ids).values_list("pk", flat=True))
    fresh = [Account(pk=one, name=one) for one in wanted if one not in known]
    Account.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=CHUNK)
    return len(fresh)


def _write_signals(environment: str, batch: _Batch) -> list[_Key]:
    """Gives the pairs that are new."""
    there = _existing(environment, batch)
    fresh = [key for key in batch.sightings if key not in there]
    Signal.objects.bulk_create(
        [_new_row(environment, key, batch) for key in fresh], ignore_conflicts=True, batch_size=CHUNK
    )
    moved = [row for key, row in sorted(there.items()) if _moved(row, batch.sightings[key])]
    Signal.objects.bulk_update(moved, ["first_seen_at", "last_seen_at", "count"], batch_size=100)
    return fresh


def _existing(environment: str, batch: _Batch) -> dict[_Key, Signal]:
    found: dict[_Key, Signal] = {}
    for accounts in batched(sorted({account for account, _ in batch.sightings}), CHUNK):
        rows = Signal.objects.filter(environment=environment, account_id__in=accounts).order_by("pk")
        for row in rows.select_for_update():
            key = (row.account_id, Value(row.kind, bytes(row.value_hash)))
            if key in batch.sightings:
                found[key] = row
    return found


def _new_row(environment: str, key: _Key, batch: _Batch) -> Signal:
    account, value = key
    seen = batch.sightings[key]
    return Signal(
        account_id=account,
        environment=environment,
        kind=value.kind,
        key_id=batch.key_ids[value],
        value_hash=value.digest,
        first_seen_at=seen.first,
        last_seen_at=seen.last,
        count=seen.count,
    )


def _moved(row: Signal, seen: _Sighting) -> bool:
    """Bring a row up to date. False: it was already."""
    if row.first_seen_at <= seen.first and row.last_seen_at >= seen.last:
        return False
    row.count += seen.last > row.last_seen_at
    row.first_seen_at = min(row.first_seen_at, seen.first)
    row.last_seen_at = max(row.last_seen_at, seen.last)
    return True


def _write_days(environment: str, batch: _Batch) -> None:
    days = {day for _, day in batch.days}
    rows = ActivityDay.objects.filter(
        environment=environment, account_id__in={one for one, _ in batch.days}, day__in=days
    )
    for row in rows.order_by("pk").select_for_update():
        slots = batch.days.pop((row.account_id, row.day), 0) | int.from_bytes(row.slots)
        ActivityDay.objects.filter(pk=row.pk).update(slots=slots.to_bytes(36))
    ActivityDay.objects.bulk_create(
        [
            ActivityDay(account_id=account, environment=environment, day=day, slots=slots.to_bytes(36))
            for (account, day), slots in sorted(batch.days.items(), key=lambda item: str(item[0]))
        ],
        ignore_conflicts=True,
        batch_size=CHUNK,
    )
