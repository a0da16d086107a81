"""Takes in a signal log: the same rows as ``observe`` makes one by one, a batch at a time.

Importing twice changes nothing, so a run that broke off is simply started again. Memory is
that of one batch, whatever the length of the log.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import IO

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from accounts.linkage import bulk
from accounts.linkage.columns import Value
from accounts.linkage.evidence import CHUNK, counts_of
from accounts.linkage.models import ActivityDay, Kind, Signal
from accounts.linkage.observe import hashes_of, mark, move_keys
from accounts.linkage.rebuild import ask_for_everything
from accounts.linkage.signal_log import Active, BadLine, Observed, latest_time, lines_of, parse_line
from accounts.linkage.weigh import CAPS
from accounts.owners.models import Account
from foundation import clock
from foundation.sealing.hashes import KeyedHash

BATCH_LINES = 20_000
MOST_MARKED = 2_000
"""New signals of a run up to which each neighbourhood is settled by itself; beyond, all blocks are."""
KINDS = frozenset(Kind.values)
CACHE_KIB = 128 * 1024
"""What SQLite may keep of its indexes in memory: hashes come in no order."""


@dataclass(slots=True)
class Tally:
    """What a run did."""

    lines: int = 0
    bad_lines: int = 0
    new_accounts: int = 0
    new_signals: int = 0


type _Key = tuple[str, str, bytes]


@dataclass(slots=True)
class _Batch:
    """Times are texts that sort as time does."""

    sightings: dict[_Key, list[object]] = field(default_factory=dict)
    """By kind-of-value hash and account: key id, first, last, count."""
    days: dict[tuple[str, str], int] = field(default_factory=dict)
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
    """Take in every good line, a transaction for each 20,000. ``complain`` hears of each bad one.

    With ``strict`` the first bad line ends the run; what came before it stays in.
    """
    tally = Tally()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    good = _good_lines(stream, tally, latest=latest_time(now), strict=strict, complain=complain)
    for lines in batched(good, BATCH_LINES):
        take_in(environment, lines, tally)
        progress(tally.lines)
    return tally


def _good_lines(
    stream: IO[bytes], tally: Tally, *, latest: str, strict: bool, complain: Callable[[int, str], None]
) -> Iterator[Observed | Active]:
    for number, line in lines_of(stream):
        if line is not None and not line.strip():
            continue
        tally.lines += 1
        try:
            yield parse_line(line, KINDS, latest=latest)
        except BadLine as bad:
            tally.bad_lines += 1
            complain(number, str(bad))
            if strict:
                return


@transaction.atomic
def take_in(environment: str, lines: Sequence[Observed | Active], tally: Tally) -> None:
    """Write one batch, and mark whose neighbourhood it changed, or that all has to be found anew."""
    batch = _gather(environment, lines)
    tally.new_accounts += _open_accounts(batch.accounts)
    last = Signal.objects.aggregate(pk=Max("pk"))["pk"] or 0
    _write_signals(environment, batch)
    _write_days(environment, batch)
    # Rows that were there keep their number; what somebody else writes meanwhile is marked twice.
    fresh = Signal.objects.filter(environment=environment, pk__gt=last)
    tally.new_signals += (number := fresh.count())
    if tally.new_signals <= MOST_MARKED:
        _mark_changed(environment, fresh)
    elif number:
        ask_for_everything(environment, now=clock.now())


def _mark_changed(environment: str, fresh: "QuerySet[Signal]") -> None:
    rows = fresh.filter(kind__in=CAPS).values_list("account_id", "kind", "value_hash")
    changed = [(account, Value(kind, bytes(digest))) for account, kind, digest in rows]
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
            batch.days[slot] = batch.days.get(slot, 0) | line.slots
            continue
        name = (line.kind, line.value)
        if name not in hashes:
            hashes[name] = hashes_of(*name)
        newest = hashes[name][0]
        seen = batch.sightings.get(key := (line.kind, line.account, newest.digest))
        if seen is None:
            batch.sightings[key] = [newest.key_id, line.at, line.at, 1]
        else:
            _see_again(seen, line.at)
    _move_old_keys(environment, hashes)
    return batch


def _see_again(seen: list[object], at: str) -> None:
    _, first, last, count = seen
    if at > str(last):
        seen[2:] = at, int(str(count)) + 1
    elif at < str(first):
        seen[1] = at


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
    fresh = [one for one in wanted if one not in known]
    now = bulk.moment(clock.now())
    bulk.insert(
        Account,
        ["id", "name", "kind", "state", "created_at"],
        ((one, one, Account.Kind.ORGANISATION.value, Account.State.OPEN.value, now) for one in fresh),
        conflict="ON CONFLICT DO NOTHING",
    )
    return len(fresh)


def _write_signals(environment: str, batch: _Batch) -> None:
    """Insert, or move the times; ``count`` grows when a sighting is later than all before."""
    bulk.insert(
        Signal,
        [
            "environment",
            "kind",
            "account_id",
            "value_hash",
            "key_id",
            "first_seen_at",
            "last_seen_at",
            "count",
        ],
        ((environment, *key, *batch.sightings[key]) for key in sorted(batch.sightings, key=_by_value)),
        conflict="""ON CONFLICT (environment, kind, value_hash, account_id) DO UPDATE SET
            first_seen_at = CASE WHEN excluded.first_seen_at < accounts_signal.first_seen_at
                THEN excluded.first_seen_at ELSE accounts_signal.first_seen_at END,
            last_seen_at = CASE WHEN excluded.last_seen_at > accounts_signal.last_seen_at
                THEN excluded.last_seen_at ELSE accounts_signal.last_seen_at END,
            count = accounts_signal.count
                + CASE WHEN excluded.last_seen_at > accounts_signal.last_seen_at THEN 1 ELSE 0 END
            WHERE excluded.first_seen_at < accounts_signal.first_seen_at
                OR excluded.last_seen_at > accounts_signal.last_seen_at""",
    )


def _by_value(key: _Key) -> tuple[str, bytes, str]:
    """The order of the index: neighbours are written together, and two runs never wait in a circle."""
    return key[0], key[2], key[1]


def _write_days(environment: str, batch: _Batch) -> None:
    days = sorted({day for _, day in batch.days})
    wanted = {account for account, _ in batch.days}
    for chunk in batched(sorted(wanted), CHUNK):
        rows = ActivityDay.objects.filter(environment=environment, account_id__in=chunk)
        for account, day, slots in rows.filter(day__gte=days[0], day__lte=days[-1]).values_list(
            "account_id", "day", "slots"
        ):
            if (key := (account, str(day))) in batch.days:
                batch.days[key] |= int.from_bytes(slots)
    bulk.insert(
        ActivityDay,
        ["account_id", "environment", "day", "slots"],
        (
            (account, environment, day, slots.to_bytes(36))
            for (account, day), slots in sorted(batch.days.items())
        ),
        conflict="ON CONFLICT (account_id, environment, day) DO UPDATE SET slots = excluded.slots",
    )
