"""Keeps what admission recorded of access tokens: a record says that a token may exist."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from passport.credentials.models import IssueRecord


def record_issued(records: Iterable[Mapping[str, str]]) -> int:
    """Write records of a store into the table; those written before are left alone. Gives how many came.

    Fields of ``IssueRecord``, times in whole seconds since the epoch. One statement.
    """
    rows = [
        IssueRecord(
            jti=record["jti"],
            root=record["root"],
            account_id=record["account_id"],
            agent=record["agent"],
            audience=record["audience"],
            scopes=record["scopes"],
            issued_at=moment(record["issued_at"]),
            expires_at=moment(record["expires_at"]),
        )
        for record in records
    ]
    IssueRecord.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def moment(whole_seconds: str) -> datetime:
    return datetime.fromtimestamp(int(whole_seconds), UTC)
