"""Reads all evidence of an environment into columns, straight from the database's cursor.

One pass over the table in its own order, a chunk at a time; the rows never exist as objects.
Memory: about 150 bytes a signal while they are sorted, then only what is shared.
"""

from collections.abc import Iterator

import numpy as np
from django.db import connection

from accounts.linkage.bulk import seconds
from accounts.linkage.columns import KIND_NUMBER, Evidence, build
from accounts.linkage.evidence import Area
from accounts.linkage.models import AccountCluster, ActivityDay, Signal
from accounts.linkage.schedules import Day

ROWS = 50_000


def read_everything(environment: str) -> Area:
    """The whole of an environment, with everybody who is in a cluster now."""
    names, columns = _read_columns(environment)
    clustered = AccountCluster.objects.filter(environment=environment, cluster__isnull=False)
    everybody = names.keys() | set(clustered.values_list("account_id", flat=True))
    return Area(everybody, _sorted(names, columns))


def read_days(environment: str, evidence: Evidence) -> Iterator[Day]:
    """For each UTC day, latest first: the accounts at work, as numbers, and their 288 slots as bits."""
    number = {name: at for at, name in enumerate(evidence.accounts)}
    days = ActivityDay.objects.filter(environment=environment)
    for day in days.order_by("-day").values_list("day", flat=True).distinct():
        rows = [
            (number[account], bytes(slots))
            for account, slots in days.filter(day=day).values_list("account_id", "slots").iterator(ROWS)
            if account in number
        ]
        packed = np.frombuffer(b"".join(slots for _, slots in rows), dtype=np.uint8).reshape(-1, 36)
        yield day, np.array([account for account, _ in rows], dtype=np.int64), packed


def _read_columns(environment: str) -> tuple[dict[str, int], list[np.ndarray]]:
    table = connection.ops.quote_name(Signal._meta.db_table)
    sql = (
        f"SELECT account_id, kind, value_hash, {seconds('first_seen_at')}, {seconds('last_seen_at')} "  # noqa: S608
        f"FROM {table} WHERE environment = %s"
    )
    names: dict[str, int] = {}
    chunks: list[tuple[np.ndarray, ...]] = []
    for rows in _chunks(sql, environment):
        account, kind, digest, first, last = zip(*rows, strict=True)
        chunks.append(
            (
                np.fromiter((names.setdefault(one, len(names)) for one in account), np.int32, len(rows)),
                np.fromiter(map(KIND_NUMBER.__getitem__, kind), np.int8, len(rows)),
                np.frombuffer(b"".join(digest), np.uint8).reshape(-1, 32),
                np.fromiter(first, np.int64, len(rows)),
                np.fromiter(last, np.int64, len(rows)),
            )
        )
    if not chunks:
        empty = np.zeros(0, dtype=np.int64)
        return names, [empty, empty, np.zeros((0, 32), dtype=np.uint8), empty, empty]
    return names, [np.concatenate(column) for column in zip(*chunks, strict=True)]


def _chunks(sql: str, environment: str) -> Iterator[list[tuple[str, str, bytes, int, int]]]:
    """Chunks of the answer. On PostgreSQL by a cursor of the server's: the answer is never held whole."""
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with connection.connection.cursor(name="linkage_evidence") as cursor:
            cursor.execute(sql, [environment])
            while rows := cursor.fetchmany(ROWS):
                yield rows
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql, [environment])
            while rows := cursor.fetchmany(ROWS):
                yield rows


def _sorted(names: dict[str, int], columns: list[np.ndarray]) -> Evidence:
    """With accounts in the order of their names."""
    ordered = sorted(names)
    place = np.empty(len(ordered), dtype=np.int64)
    place[[names[name] for name in ordered]] = np.arange(len(ordered))
    account, kind, digest, first, last = columns
    return build(ordered, place[account], kind.astype(np.int64), digest, first, last)
