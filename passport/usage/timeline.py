"""The life of an account's credentials, newest first: issue, exchange, use, refuse, revoke."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.db.models import F, Model, Q, QuerySet

from passport.credentials.models import IssueRecord, Passport, RevokedToken
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.usage.models import UsageMinute
from passport.usage.outcomes import REFUSED
from passport.usage.read import Names

KINDS: Final = ("issue", "exchange", "use", "refuse", "revoke")
AT_ONCE = 1_000
EFFECTS = {Effect.THROTTLE: "throttled", Effect.SUSPEND: "suspended", Effect.REVOKE: "revoked"}


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    kind: str
    what: str
    """A code: what is shown for it is said by the page."""
    agent: str = ""
    credential: str = ""
    service: str = ""
    scope: str = ""
    count: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Empty: all."""

    account_id: str
    environment: str
    since: datetime
    agent: str = ""
    credential: str = ""
    kind: str = ""


def events(asked: Asked, names: Names, most: int | None = None) -> Iterator[Event]:
    """At most ``most`` of them. One query for each kind; read as they are asked for, never all at once."""
    sources = [read for kind, read in SOURCES if asked.kind in ("", kind)]
    streams = [read(asked, names, most) for read in sources]
    return islice(heapq.merge(*streams, key=lambda event: event.at, reverse=True), most)


def _rows[M: Model](rows: QuerySet[M], moment: str, asked: Asked, most: int | None) -> Iterator[M]:
    rows = rows.filter(**{f"{moment}__gte": asked.since}).order_by(f"-{moment}", "-pk")
    return iter(rows[:most]) if most else rows.iterator(chunk_size=AT_ONCE)


def _agents(asked: Asked, names: Names) -> list[str]:
    return [asked.agent] if asked.agent else list(names.agents)


def _issued(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    rows = Passport.objects.filter(account_id=asked.account_id, environment=asked.environment)
    rows = rows.filter(**_given(agent__client_id=asked.agent, jti=asked.credential))
    for row in _rows(rows.annotate(client_id=F("agent__client_id")), "issued_at", asked, most):
        what = "passport_renewed" if row.renewed_from else "passport_issued"
        yield Event(row.issued_at, "issue", what, row.client_id, row.jti, scope=row.scopes)  # type: ignore[attr-defined]


def _exchanged(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    rows = IssueRecord.objects.filter(account_id=asked.account_id, agent__in=_agents(asked, names))
    for row in _rows(rows.filter(**_given(root=asked.credential)), "issued_at", asked, most):
        yield Event(row.issued_at, "exchange", "token_issued", row.agent, row.root, row.audience, row.scopes)


def _measured(asked: Asked, refused: bool, most: int | None) -> Iterator[UsageMinute]:
    rows = UsageMinute.objects.filter(account_id=asked.account_id, environment=asked.environment)
    rows = rows.filter(**_given(agent=asked.agent, root=asked.credential))
    wanted = Q()
    for name in REFUSED if refused else ("allowed", "failed"):
        wanted |= Q(**{f"{name}__gt": 0})
    return _rows(rows.filter(wanted), "starts_at", asked, most)


def _used(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    for row in _measured(asked, False, most):
        for outcome in ("allowed", "failed"):
            if count := getattr(row, outcome):
                yield _of_minute(row, "use", outcome, count, names)


def _refused(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    for row in _measured(asked, True, most):
        for outcome in REFUSED:
            if count := getattr(row, outcome):
                yield _of_minute(row, "refuse", outcome, count, names)


def _of_minute(row: UsageMinute, kind: str, outcome: str, count: int, names: Names) -> Event:
    service = names.services.get(row.service_id, row.service_id)
    return Event(row.starts_at, kind, outcome, row.agent, row.root, service, row.scope, count, outcome)


def _restricted(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    rows = Restriction.objects.filter(account_id=asked.account_id, environment__in=("", asked.environment))
    if asked.agent or asked.credential:
        rows = rows.filter(Q(subject_type="account") | Q(subject_id__in=[asked.agent, asked.credential]))
    for row in _rows(rows, "placed_at", asked, most):
        agent = row.subject_id if row.subject_type == "agent" else ""
        credential = row.subject_id if row.subject_type == "passport" else ""
        what = f"{row.subject_type}_{EFFECTS[Effect(row.effect)]}"
        yield Event(row.placed_at, "revoke", what, agent, credential, reason=row.reason)


def _revoked(asked: Asked, names: Names, most: int | None) -> Iterator[Event]:
    if asked.credential:
        return
    rows = RevokedToken.objects.filter(agent__in=_agents(asked, names))
    for row in _rows(rows, "revoked_at", asked, most):
        yield Event(row.revoked_at, "revoke", "token_revoked", row.agent)


type _Read = Callable[[Asked, Names, int | None], Iterator[Event]]

SOURCES: Final[tuple[tuple[str, _Read], ...]] = (
    ("issue", _issued),
    ("exchange", _exchanged),
    ("use", _used),
    ("refuse", _refused),
    ("revoke", _restricted),
    ("revoke", _revoked),
)


def _given(**wanted: Any) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if value}
