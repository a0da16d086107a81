"""Reads all evidence of an environment into columns.

One pass over the table by the database's own cursor, in the caller's transaction, a chunk at a
time into DuckDB, which finds what is shared and who is vouched for. Beyond ``MEMORY`` it works on
disk. Most values are held once and never leave it; about 150 bytes a signal that is shared do.
"""

import tempfile
from collections.abc import Iterator

import duckdb
import numpy as np
from django.db import connection

from accounts.linkage.bulk import seconds
from accounts.linkage.columns import KIND_NUMBER, PROOFS, Evidence, Rows, build_shared
from accounts.linkage.evidence import Area
from accounts.linkage.models import AccountCluster, ActivityDay, Signal
from accounts.linkage.schedules import Day

ROWS = 50_000
MEMORY = "1GB"
CREATE = """CREATE TABLE seen (
    account INTEGER, kind TINYINT, w0 UBIGINT, w1 UBIGINT, w2 UBIGINT, w3 UBIGINT, first BIGINT, last BIGINT
)"""
SHARED = """SELECT account, kind, w0, w1, w2, w3, first, last FROM seen
    SEMI JOIN (SELECT kind, w0, w1, w2, w3 FROM seen GROUP BY ALL HAVING count(*) > 1)
    USING (kind, w0, w1, w2, w3)"""
ACCOUNTS = f"""SELECT account, min(first) AS born, bit_or(
    CASE {" ".join(f"WHEN kind = {KIND_NUMBER[kind]} THEN {bit}" for kind, bit in PROOFS.items())} ELSE 0 END
    ) AS proofs FROM seen GROUP BY account"""  # noqa: S608


def read_everything(environment: str) -> Area:
    """The whole of an environment, with everybody who is in a cluster now."""
    names: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config=_bounds(folder)) as store:
        _stream(environment, names, store)
        evidence = _shared(names, store)
    clustered = AccountCluster.objects.filter(environment=environment, cluster__isnull=False)
    everybody = names.keys() | set(clustered.values_list("account_id", flat=True))
    return Area(everybody, evidence)


def _bounds(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": MEMORY,
        "temp_directory": folder,
        "threads": 2,
        "autoinstall_known_extensions": False,
    }


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


def _stream(environment: str, names: dict[str, int], store: duckdb.DuckDBPyConnection) -> None:
    """Pour all signals into DuckDB, a chunk at a time; ``names`` numbers the accounts as they come."""
    table = connection.ops.quote_name(Signal._meta.db_table)
    sql = (
        f"SELECT account_id, kind, value_hash, {seconds('first_seen_at')}, {seconds('last_seen_at')} "  # noqa: S608
        f"FROM {table} WHERE environment = %s"
    )
    # Standard output is for the summary.
    store.execute("SET enable_progress_bar = false")
    store.execute(CREATE)
    for rows in _chunks(sql, environment):
        account, kind, digest, first, last = zip(*rows, strict=True)
        words = np.frombuffer(b"".join(digest), ">u8").astype(np.uint64).reshape(-1, 4)
        chunk = {
            "account": np.fromiter(
                (names.setdefault(one, len(names)) for one in account), np.int32, len(rows)
            ),
            "kind": np.fromiter(map(KIND_NUMBER.__getitem__, kind), np.int8, len(rows)),
            **{f"w{place}": np.ascontiguousarray(words[:, place]) for place in range(4)},
            "first": np.fromiter(first, np.int64, len(rows)),
            "last": np.fromiter(last, np.int64, len(rows)),
        }
        store.register("chunk", chunk)
        store.execute("INSERT INTO seen SELECT account, kind, w0, w1, w2, w3, first, last FROM chunk")
        store.unregister("chunk")


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


def _shared(names: dict[str, int], store: duckdb.DuckDBPyConnection) -> Evidence:
    """What more than one account was seen with; accounts in the order of their names."""
    ordered = sorted(names)
    place = np.empty(len(ordered), dtype=np.int64)
    place[[names[name] for name in ordered]] = np.arange(len(ordered))
    of = store.execute(ACCOUNTS).fetchnumpy()
    proofs, born = np.zeros(len(ordered), np.int64), np.zeros(len(ordered), np.int64)
    proofs[place[of["account"]]] = of["proofs"]
    born[place[of["account"]]] = of["born"]
    found = store.execute(SHARED).fetchnumpy()
    words = np.stack([np.asarray(found[f"w{word}"], np.uint64) for word in range(4)], axis=1)
    rows = Rows(
        place[found["account"]],
        np.asarray(found["kind"], np.int64),
        words.astype(">u8").view(np.uint8).reshape(-1, 32),
        np.asarray(found["first"], np.int64),
        np.asarray(found["last"], np.int64),
    )
    return build_shared(ordered, rows, proofs=proofs, born=born)
