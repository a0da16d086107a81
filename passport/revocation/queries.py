"""Choosing accounts by conditions, such as ``opened>=2026-11-01 identity=email``. Bounded on every side."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.owners.models import Account
from attestation.evidence.models import AccountLevel
from attestation.evidence.standing import NOTHING_PROVEN
from attestation.levels import IDENTITY, PAYMENT
from passport.agents.models import Agent
from passport.revocation.batch import BatchError

MOST_ACCOUNTS = 50_000
"""More is no query but a mistake."""
CONDITION = re.compile(r"(opened>=|opened<|identity=|payment=|software=)([^\s=<>]{1,100})")
HELP = "opened>=DATE opened<DATE identity=LEVEL payment=LEVEL software=START"


def accounts_of(text: str, environment: str) -> QuerySet[Account]:
    """Accounts with an agent in the environment that meet every condition.

    Raises BatchError ``bad_query`` where a condition is unknown, named twice, or none is given.
    """
    conditions = read_query(text)
    found = Account.objects.all()
    for name, value in conditions.items():
        found = found.filter(_rule(name, value, environment))
    agents = Agent.objects.filter(account=OuterRef("pk"), environment=environment)
    if software := conditions.get("software="):
        agents = agents.filter(software__startswith=software)
    return found.filter(Exists(agents)).order_by("pk")


def read_query(text: str) -> dict[str, str]:
    """Pure. Raises BatchError ``bad_query``."""
    found: dict[str, str] = {}
    for part in text.split():
        match = CONDITION.fullmatch(part)
        if match is None or match[1] in found:
            raise BatchError(
                "bad_query", f"not a condition, or named twice: {part[:80]!r}; there are: {HELP}"
            )
        found[match[1]] = match[2]
        _check(match[1], match[2])
    if not found:
        raise BatchError("bad_query", f"a query has a condition; there are: {HELP}")
    return found


def moment(text: str) -> datetime:
    """A date (its first moment, UTC) or a time with its zone. Raises BatchError ``bad_query``."""
    try:
        if "T" not in text:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BatchError("bad_query", f"not a date or time (ISO 8601): {text[:80]!r}") from None


def _check(name: str, value: str) -> None:
    ladders: Mapping[str, tuple[str, ...]] = {"identity=": IDENTITY, "payment=": PAYMENT}
    if name.startswith("opened"):
        moment(value)
    elif value not in ladders.get(name, (value,)):
        raise BatchError("bad_query", f"no level {value[:80]!r}; there are: {' '.join(ladders[name])}")


def _rule(name: str, value: str, environment: str) -> Q:
    if name == "opened>=":
        return Q(created_at__gte=moment(value))
    if name == "opened<":
        return Q(created_at__lt=moment(value))
    if name == "software=":
        return Q()
    field = name.removesuffix("=")
    rows = AccountLevel.objects.filter(account=OuterRef("pk"), environment=environment)
    there: Any = Exists(rows.filter(**{field: value}))
    # An account without a row has proven nothing beyond its address.
    return Q(there) | Q(~Exists(rows)) if value == getattr(NOTHING_PROVEN, field) else Q(there)
