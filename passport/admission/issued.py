"""The issue records that admission leaves in its store, for a worker to write into the database.

Each record of a partition has a number, counted with the step that issued it. The stream is
capped: when nobody drains it, the oldest records go. **The gap rule**: numbers follow each
other without a hole. A number that is not the one after the last drained means that the
records between are lost: a gap, to be written to the ledger. A store that was emptied lost
its count too; the ledger then has the change of mode. Nothing else depends on either: a
record says that a token may exist.

Draining is ``read``, write (the jti is unique, so twice is once), ``forget``. A crash between
them reads the same records again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import redis

from passport import conf
from passport.admission import memory
from passport.admission.contract import PARTITIONS
from passport.admission.redis import LOST, client, key

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, oldest first."""

    partition: str
    records: tuple[dict[str, str], ...]
    last_id: str
    last_number: int
    missing: int
    """How many records before the last of these are lost, at least; 0: none."""


def read(limit: int = AT_ONCE) -> Iterator[Batch]:
    """What waits, partition by partition, from both stores that keep records. Empty while Redis is gone."""
    if held := memory.STORE.records_after(0, limit):
        records = tuple({name: str(value) for name, value in record.items()} for _, record in held)
        yield Batch("", records, "", held[-1][0], 0)
    if url := conf.admission_redis_url():
        try:
            yield from _read_streams(client(url), limit)
        except LOST:
            return


def forget(batch: Batch) -> None:
    """Drop what was written elsewhere, and remember how far that was."""
    if not batch.partition:
        memory.STORE.forget_records(batch.last_number)
        return
    with client(conf.admission_redis_url()).pipeline(transaction=True) as pipe:
        pipe.set(key(batch.partition, "issued:seen"), batch.last_number)
        pipe.xtrim(key(batch.partition, "issued"), minid=_after(batch.last_id), approximate=False)
        pipe.execute()


def _read_streams(connection: redis.Redis, limit: int) -> Iterator[Batch]:
    for number in range(PARTITIONS):
        partition = f"p{number:03d}"
        entries = cast(
            "list[tuple[bytes, dict[bytes, bytes]]]",
            connection.xrange(key(partition, "issued"), count=limit),
        )
        if entries:
            seen = int(cast("Any", connection.get(key(partition, "issued:seen"))) or 0)
            yield _batch(partition, entries, seen)


def _batch(partition: str, entries: list[tuple[bytes, dict[bytes, bytes]]], seen: int) -> Batch:
    rows = [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]
    numbers = [int(row.pop("n")) for row in rows]
    # Where the count began anew the store was emptied; how many went with it nobody knows.
    missing = numbers[-1] - seen - len(numbers) if numbers[0] > seen else 1
    return Batch(partition, tuple(rows), entries[-1][0].decode(), numbers[-1], missing)


def _after(entry_id: str) -> str:
    """The smallest id greater than this one."""
    milliseconds, _, sequence = entry_id.partition("-")
    return f"{milliseconds}-{int(sequence) + 1}"
