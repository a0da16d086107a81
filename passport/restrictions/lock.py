"""The lock that issuing takes: no passport slips past a restriction."""

from django.db import connection, transaction

from passport.restrictions.models import AccountState


def issuing_lock(account_id: str) -> AccountState:
    """The account's state, held FOR SHARE until the caller's transaction ends.

    Restricting waits for it (FOR UPDATE), so what the state says stays true until the
    passport is written. Makes the row where it is missing. SQLite needs no row lock: its
    transactions begin IMMEDIATE, one writer at a time. Call it inside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("issuing_lock needs a transaction")
    state = _find_shared(account_id)
    if state is None:
        AccountState.objects.bulk_create([AccountState(account_id=account_id)], ignore_conflicts=True)
        state = _find_shared(account_id)
    if state is None:
        raise LookupError(f"no account {account_id}")
    return state


def _find_shared(account_id: str) -> AccountState | None:
    sharing = " FOR SHARE" if connection.vendor == "postgresql" else ""
    table = AccountState._meta.db_table
    rows = AccountState.objects.raw(f"SELECT * FROM {table} WHERE account_id = %s{sharing}", [account_id])  # noqa: S608
    return next(iter(rows), None)
