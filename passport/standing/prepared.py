"""Runs the statements of the hot path: prepared once for each connection, sent without a cursor.

On PostgreSQL planning these joins costs more than running them, and composing the text, an epoll
and a cursor for each read cost as much again. So the statement goes to libpq by name. In a
transaction, and where somebody wraps what is asked, it goes the ordinary way: there an unknown
statement would end the transaction, and a wrapper would see nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog
from django.db import NotSupportedError, ProgrammingError, connection
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus

from passport.standing.statements import Statement

log = structlog.get_logger()

NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Known:
    """What one connection to PostgreSQL holds; it lives as long as the connection."""

    names: set[str]
    reader: Any
    """psycopg's, with Django's types: made once, because making one costs more than a row."""


_known: "WeakKeyDictionary[Any, Known]" = WeakKeyDictionary()


def fetch_one(statement: Statement, values: Mapping[str, str | int]) -> Sequence[Any] | None:
    """The first row, if there is one. One query. Raises what Django raises of its database.

    A value that is no text of a database is no row's: sent to libpq, a NUL would end it unseen.
    """
    if any(isinstance(value, str) and NO_TEXT.search(value) for value in values.values()):
        return None
    if connection.vendor != "postgresql" or connection.in_atomic_block or connection.execute_wrappers:
        return _plain(statement, values)
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors:
            return _by_name(connection.connection, statement, values)
    except (NotSupportedError, ProgrammingError):
        # A pooler in front of PostgreSQL gave us another server's session, or a migration has
        # changed a column's type since it was prepared (0A000).
        log.warning("statement_not_prepared", statement=statement.name)
        _known.pop(connection.connection, None)
        return _plain(statement, values)


def moment_value(moment: datetime) -> str:
    """A moment as a parameter: comparable with what the database holds."""
    if connection.vendor == "postgresql":
        return moment.isoformat()
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _plain(statement: Statement, values: Mapping[str, str | int]) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement.plain(connection.vendor), dict(values))
        row: Sequence[Any] | None = cursor.fetchone()
        return row


def _by_name(held: Any, statement: Statement, values: Mapping[str, str | int]) -> Sequence[Any] | None:
    known = _known.get(held)
    if known is None:
        known = _known[held] = Known(set(), Transformer(held))
    if statement.name not in known.names:
        _checked(held, held.pgconn.exec_(statement.prepare().encode()))
        known.names.add(statement.name)
    if connection.queries_logged:
        connection.queries_log.append({"sql": f"EXECUTE {statement.name} ()", "time": ""})
    arguments = [str(values[name]).encode() for name, _ in statement.parameters]
    result = _checked(held, held.pgconn.exec_prepared(statement.name.encode(), arguments))
    if result.ntuples == 0:
        return None
    known.reader.set_pgresult(result)
    row: Sequence[Any] = known.reader.load_row(0, tuple)
    return row


def _checked(held: Any, result: Any) -> Any:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    error = psycopg.errors.error_from_result(result)
    if error.sqlstate is None or held.pgconn.status == ConnStatus.BAD:
        # Said by libpq itself: the server did not answer.
        raise psycopg.OperationalError(str(error))
    raise error
