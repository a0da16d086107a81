"""Writes many rows of one table by one statement, on PostgreSQL and SQLite alike."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import connection, models

ROWS = 10_000
"""Rows in one statement: enough to make its own cost vanish, few enough to stay small in memory."""


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, conflict: str = ""
) -> None:
    """Insert rows of ``columns`` (names of the table's own columns).

    ``conflict`` is the clause for rows that exist, such as ``ON CONFLICT DO NOTHING``. Values
    are those the driver takes; ``moment`` makes them from moments.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    with connection.cursor() as cursor:
        for chunk in batched(rows, ROWS):
            if connection.vendor == "postgresql":
                arrays = ", ".join(f"%s::{_type(model, column)}[]" for column in columns)
                sql = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608
                cursor.execute(sql, [list(column) for column in zip(*chunk, strict=True)])
            else:
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}", chunk)  # noqa: S608


def moment(at: datetime) -> object:
    """A moment as the driver takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def seconds(column: str) -> str:
    """SQL for a column of moments as whole seconds since the epoch."""
    if connection.vendor == "postgresql":
        return f"extract(epoch from {column})::bigint"
    return f"unixepoch({column})"


def _type(model: type[models.Model], column: str) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    return str(
        fields[column].rel_db_type(connection) if fields[column].primary_key else _plain(fields[column])
    )


def _plain(field: "models.Field[object, object]") -> str:
    kind = field.cast_db_type(connection)
    return str(kind).partition("(")[0]
