"""Adds the lines of reports up by minute, hour and day. The only writer of those tables.

A step claims some lines and adds them to all three tables in one transaction: a step that is
killed leaves nothing behind, and no line is ever counted twice or left out. A late line is added
where it belongs, for every span at once, so the three always agree.
"""

import structlog
from django.db import connection, transaction

from foundation.ids import new_id
from foundation.jobs.periodic import every
from passport.usage.outcomes import OUTCOMES

log = structlog.get_logger()

AT_ONCE = 5_000
MOST_STEPS = 200
"""In one turn: a million lines. What is left waits for the next."""
WHOSE = ("account_id", "agent", "service_id", "scope", "root", "environment")
SUMS = ("units", *OUTCOMES)
TABLES = {
    "passport_usageminute": ("minute", "%Y-%m-%d %H:%M:00"),
    "passport_usagehour": ("hour", "%Y-%m-%d %H:00:00"),
    "passport_usageday": ("day", "%Y-%m-%d 00:00:00"),
}
"""The field of ``date_trunc`` in PostgreSQL, the format of ``strftime`` in SQLite."""


@every(5, "passport.usage.roll_up")
def roll_up() -> int:
    """Count what came since. Gives how many lines were counted."""
    total = 0
    for _ in range(MOST_STEPS):
        counted = roll_up_step(AT_ONCE)
        total += counted
        if counted < AT_ONCE:
            break
    if total:
        log.info("usage_rolled_up", lines=total)
    return total


def roll_up_step(limit: int) -> int:
    """Claim at most ``limit`` lines and add them up, all or nothing. Several may run at once."""
    claim = new_id("roll")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_claiming(), [claim, limit])
        claimed: int = cursor.rowcount
        if claimed:
            for table in TABLES:
                cursor.execute(_adding(table), [claim])
    return claimed


def _claiming() -> str:
    """Another worker's claims are passed by, not waited for (PostgreSQL; SQLite has one writer)."""
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    return (
        "UPDATE passport_usageline SET rolled_by = %s WHERE id IN "  # noqa: S608 - constants only
        f"(SELECT id FROM passport_usageline WHERE rolled_by = '' ORDER BY id LIMIT %s {skip})"
    )


def _adding(table: str) -> str:
    """Rows are met in one order by every worker, so that none waits for another in a ring."""
    field, format_ = TABLES[table]
    if connection.vendor == "postgresql":
        start = f"date_trunc('{field}', minute, 'UTC')"
    else:
        start = f"strftime('{format_.replace('%', '%%')}', minute)"
    whose, sums = ", ".join(WHOSE), ", ".join(SUMS)
    summed = ", ".join(f"SUM({name})" for name in SUMS)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in SUMS)
    return (
        f"INSERT INTO {table} (starts_at, {whose}, {sums}) "  # noqa: S608 - constants only
        f"SELECT {start}, {whose}, {summed} FROM passport_usageline WHERE rolled_by = %s "
        f"GROUP BY 1, {whose} ORDER BY 1, {whose} "
        f"ON CONFLICT (account_id, starts_at, agent, service_id, scope, root, environment) "
        f"DO UPDATE SET {added}"
    )
