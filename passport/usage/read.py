"""What pages show of an account's usage: sums by time, agent, service and scope."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum

from passport.agents.models import Agent
from passport.services.models import Service
from passport.usage.models import UsageDay, UsageHour
from passport.usage.outcomes import OUTCOMES, REFUSED

MOST_GROUPS = 1_000
"""Of (agent, service, scope): the largest; what is left is said to be left."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    label: str
    step: timedelta
    steps: int

    def begins(self, now: datetime) -> datetime:
        """The start of its first step; the last is the one that runs."""
        start = now.replace(minute=0, second=0, microsecond=0)
        if self.step >= timedelta(days=1):
            start = start.replace(hour=0)
        return start - self.step * (self.steps - 1)


SPANS = {
    "24h": Span("24h", "24 h", timedelta(hours=1), 24),
    "7d": Span("7d", "7 d", timedelta(days=1), 7),
    "30d": Span("30d", "30 d", timedelta(days=1), 30),
}


@dataclass(frozen=True, slots=True)
class Sums:
    units: int
    outcomes: Mapping[str, int]

    @property
    def refused(self) -> int:
        return sum(self.outcomes[name] for name in REFUSED)

    @property
    def served(self) -> int:
        return self.outcomes["allowed"] + self.outcomes["failed"]

    @property
    def calls(self) -> int:
        return self.served + self.refused


@dataclass(frozen=True, slots=True)
class Step:
    starts_at: datetime
    sums: Sums


@dataclass(frozen=True, slots=True)
class Part:
    """One agent, service or scope."""

    key: str
    name: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: all."""

    agent: str = ""
    service_id: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    agents: Mapping[str, str]
    services: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UsageSheet:
    steps: list[Step]
    total: Sums
    by_agent: list[Part]
    by_service: list[Part]
    by_scope: list[Part]
    is_partial: bool
    """There are more groups than were read."""
    names: Names


def read_usage(
    account_id: str, environment: str, span: Span, now: datetime, filters: Filters = Filters()
) -> UsageSheet:
    """Four queries."""
    rows = rows_of(account_id, environment, span, now, filters)
    sums = {name: Sum(name) for name in ("units", *OUTCOMES)}
    by_time: Iterable[Any] = rows.values("starts_at").annotate(**sums)
    found = {row["starts_at"]: _sums(row) for row in by_time}
    groups: list[Any] = list(
        rows.values("agent", "service_id", "scope").annotate(**sums).order_by("-units", "agent")[:MOST_GROUPS]
    )
    names = names_of(account_id, environment, {row["service_id"] for row in groups})
    moments = [span.begins(now) + span.step * place for place in range(span.steps)]
    steps = [Step(moment, found.get(moment, NOTHING)) for moment in moments]
    return UsageSheet(
        steps=steps,
        total=add(step.sums for step in steps),
        by_agent=_parts(groups, "agent", names.agents),
        by_service=_parts(groups, "service_id", names.services),
        by_scope=_parts(groups, "scope", {}),
        is_partial=len(groups) == MOST_GROUPS,
        names=names,
    )


def rows_of(
    account_id: str, environment: str, span: Span, now: datetime, filters: Filters
) -> "QuerySet[UsageHour] | QuerySet[UsageDay]":
    table = UsageHour if span.step < timedelta(days=1) else UsageDay
    chosen = {name: getattr(filters, name) for name in ("agent", "service_id", "scope")}
    wanted = Q(**{name: value for name, value in chosen.items() if value})
    return table.objects.filter(
        wanted, account_id=account_id, environment=environment, starts_at__gte=span.begins(now)
    ).order_by()


def names_of(account_id: str, environment: str, service_ids: Iterable[str]) -> Names:
    """Of the account's agents and of these services. Two queries."""
    agents = Agent.objects.filter(account_id=account_id, environment=environment).order_by("-pk")[
        :MOST_GROUPS
    ]
    services = Service.objects.filter(pk__in=set(service_ids))
    return Names(dict(agents.values_list("client_id", "name")), dict(services.values_list("pk", "name")))


def add(several: Iterable[Sums]) -> Sums:
    units, outcomes = 0, dict.fromkeys(OUTCOMES, 0)
    for one in several:
        units += one.units
        outcomes = {name: count + one.outcomes[name] for name, count in outcomes.items()}
    return Sums(units, outcomes)


NOTHING = add(())


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(row["units"] or 0, {name: row[name] or 0 for name in OUTCOMES})


def _parts(groups: list[dict[str, Any]], name: str, names: Mapping[str, str]) -> list[Part]:
    """The largest first."""
    found: dict[str, list[Sums]] = {}
    for row in groups:
        found.setdefault(str(row[name]), []).append(_sums(row))
    parts = [Part(key, names.get(key, key), add(sums)) for key, sums in found.items()]
    return sorted(parts, key=lambda part: (-part.sums.units, -part.sums.calls, part.key))[:SHOWN]
