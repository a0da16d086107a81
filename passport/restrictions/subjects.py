"""The five kinds of subjects, the rows that keep their own effect, and how these are recomputed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max, Min, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.models import AccountState, Restriction
from passport.signing.models import SigningKey

Subject = Restriction.Subject


class SubjectRef(NamedTuple):
    """What a restriction is placed on."""

    type: str
    """A value of ``Restriction.Subject``."""
    id: str
    """The account's id, the agent's client_id, the key's id, the passport's jti, the signing key's kid."""
    account_id: str
    """Whose it is; empty for a signing key."""


ROWS: dict[str, tuple[type[Model], str]] = {
    Subject.ACCOUNT: (AccountState, "account_id"),
    Subject.AGENT: (Agent, "client_id"),
    Subject.KEY: (AgentKey, "id"),
    Subject.PASSPORT: (Passport, "jti"),
    Subject.SIGNING_KEY: (SigningKey, "kid"),
}
"""Where a subject's own effect is kept, and the column that names the subject."""

ENVIRONMENTS = ("sandbox", "live")
"""An account keeps an own effect for each, beside the one that holds in both."""

SQLITE_CHUNK = 10_000
POSTGRESQL_CHUNK = 60_000
"""How many ids one statement takes: SQLite has a limit of variables, PostgreSQL only memory."""


def in_chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """The ids in order of id, in as few parts as the database takes."""
    size = SQLITE_CHUNK if connection.vendor == "sqlite" else POSTGRESQL_CHUNK
    for part in batched(sorted(set(ids)), size):
        yield list(part)


def active(now: datetime) -> Q:
    """Restrictions in force: neither lifted nor past their end."""
    return Q(lifted_at=None) & (Q(ends_at=None) | Q(ends_at__gt=now))


def account_states(environment: str) -> QuerySet[Any]:
    """The states of accounts, each with ``there``: the account's effect in one environment."""
    return AccountState.objects.annotate(there=Greatest("effect", f"{environment}_effect"))


def lock_accounts(account_ids: Sequence[str]) -> None:
    """Lock the states of accounts FOR UPDATE in order of id, making those that are missing.

    Issuing holds them FOR SHARE, so after this no passport of these accounts is half-way.
    Three statements, whatever the number.
    """
    for ids in in_chunks([account_id for account_id in account_ids if account_id]):
        rows = AccountState.objects.filter(account_id__in=ids)
        missing = set(ids).difference(rows.values_list("account_id", flat=True))
        if missing:
            AccountState.objects.bulk_create(
                [AccountState(account_id=account_id) for account_id in sorted(missing)], ignore_conflicts=True
            )
        list(rows.order_by("account_id").select_for_update().values_list("account_id"))


def recompute(subject_type: str, ids: Sequence[str], now: datetime) -> None:
    """Set the own effects of subjects to their strongest active ones: one statement a chunk."""
    model, key = ROWS[subject_type]
    rows = Restriction.objects.filter(active(now), subject_type=subject_type, subject_id=OuterRef(key))
    changes: dict[str, Any] = {}
    if subject_type == Subject.ACCOUNT:
        for environment in ("", *ENVIRONMENTS):
            there = rows.filter(environment=environment)
            prefix = f"{environment}_" if environment else ""
            changes[f"{prefix}effect"] = _over(there, Max("effect"), int(Effect.NONE))
            changes[f"{prefix}factor"] = _over(there, Min("factor"), 1.0)
    else:
        changes["effect"] = _over(rows, Max("effect"), int(Effect.NONE))
    for part in in_chunks(ids):
        model._default_manager.filter(**{f"{key}__in": part}).update(**changes)


def _over(rows: QuerySet[Restriction], aggregate: Max | Min, otherwise: float) -> Coalesce:
    """An aggregate over a subject's active restrictions, as a subquery of its row."""
    grouped = rows.order_by().values("subject_type").annotate(found=aggregate).values("found")
    return Coalesce(Subquery(grouped), otherwise)
