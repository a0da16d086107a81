"""What the usage pages of portal and console have in common: what was asked, and the context to show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from attestation.evidence.standing import levels_of
from foundation.web.charts import Bar
from passport.agents.models import Agent
from passport.usage.cures import WORDS
from passport.usage.exports import COLUMNS, row_of, write_csv, write_json, write_otlp
from passport.usage.meters import read_meters
from passport.usage.outcomes import OUTCOMES, REFUSED
from passport.usage.read import SPANS, Filters, Span, UsageSheet, names_of, read_usage, rows_of
from passport.usage.timeline import KINDS, Asked, Event, events

SHOWN_EVENTS = 100
MOST_CHARACTERS = 100
USAGE_COLUMNS = ("time", "agent", "service", "scope", "units", *OUTCOMES)
FORMATS = ("csv", "json")


@dataclass(frozen=True, slots=True)
class Wanted:
    """From the query string; what is not understood is as if it were not there."""

    environment: str
    span: Span
    filters: Filters
    credential: str
    kind: str
    format: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is written while it is read."""

    chunks: Iterator[str]
    content_type: str
    filename: str


def wanted_of(query: Mapping[str, Any]) -> Wanted:
    given = {name: str(value)[:MOST_CHARACTERS].replace("\x00", "") for name, value in query.items()}
    environment, kind = given.get("environment", ""), given.get("kind", "")
    return Wanted(
        environment if environment in Agent.Environment.values else Agent.Environment.SANDBOX.value,
        SPANS.get(given.get("span", ""), SPANS["24h"]),
        Filters(given.get("agent", ""), given.get("service", ""), given.get("scope", "")),
        given.get("credential", ""),
        kind if kind in KINDS else "",
        given.get("format", ""),
    )


def usage_context(account_id: str, wanted: Wanted, now: datetime) -> dict[str, Any]:
    """Nine queries at most."""
    sheet = read_usage(account_id, wanted.environment, wanted.span, now, wanted.filters)
    identity = levels_of(account_id, wanted.environment, now).identity
    names = sheet.names
    refusals = [(WORDS[name], sheet.total.outcomes[name]) for name in REFUSED if sheet.total.outcomes[name]]
    return {
        "wanted": wanted,
        "spans": SPANS.values(),
        "environments": Agent.Environment.choices,
        "sheet": sheet,
        "bars": bars_of(sheet, wanted.span),
        "groups": [
            ("agent", gettext("Agent"), sheet.by_agent),
            ("service", gettext("Service"), sheet.by_service),
            ("scope", gettext("Scope"), sheet.by_scope),
        ],
        "refusals": sorted(refusals, key=lambda one: -one[1]),
        "meters": read_meters(account_id, wanted.environment, identity, names.services, names.agents, now),
    }


def bars_of(sheet: UsageSheet, span: Span) -> list[Bar]:
    shape = "{:%H:%M}" if span.name == "24h" else "{:%-d %b}"
    return [
        Bar(
            shape.format(step.starts_at),
            (step.sums.outcomes["allowed"], step.sums.outcomes["failed"], step.sums.refused),
        )
        for step in sheet.steps
    ]


def timeline_context(account_id: str, wanted: Wanted, now: datetime) -> dict[str, Any]:
    """Eight queries."""
    names = names_of(account_id, wanted.environment, service_ids_of(account_id, wanted, now))
    found = list(events(asked_of(account_id, wanted, now), names, SHOWN_EVENTS + 1))
    return {
        "wanted": wanted,
        "spans": SPANS.values(),
        "environments": Agent.Environment.choices,
        "kinds": [(kind, KIND_WORDS[kind]()) for kind in KINDS],
        "agents": names.agents,
        "rows": [
            (event, names.agents.get(event.agent, event.agent), *said(event))
            for event in found[:SHOWN_EVENTS]
        ],
        "has_more": len(found) > SHOWN_EVENTS,
    }


def asked_of(account_id: str, wanted: Wanted, now: datetime) -> Asked:
    begins = wanted.span.begins(now)
    return Asked(account_id, wanted.environment, begins, wanted.filters.agent, wanted.credential, wanted.kind)


def service_ids_of(account_id: str, wanted: Wanted, now: datetime) -> set[str]:
    """Of the services whose reports lie in the span."""
    rows = rows_of(account_id, wanted.environment, wanted.span, now, Filters())
    return set(rows.values_list("service_id", flat=True).distinct()[:1000])


def said(event: Event) -> tuple[str, str, str]:
    """What happened, why, and what to do."""
    if words := WORDS.get(event.what):
        return str(words.name), str(words.why) if event.what != "allowed" else "", str(words.cure)
    if event.kind == "revoke" and event.what != "token_revoked":
        subject, _, effect = event.what.rpartition("_")
        what = f"{subject.replace('_', ' ').capitalize()} {effect}"
        return what, event.reason.replace("_", " "), gettext("Read the notices.")
    return EVENT_WORDS[event.what](), "", ""


def export_usage(account_id: str, wanted: Wanted, now: datetime) -> Download:
    """One row for each hour or day, agent, service and scope."""
    rows = rows_of(account_id, wanted.environment, wanted.span, now, wanted.filters)
    found = (
        {**row, "time": row["starts_at"].isoformat(), "service": row["service_id"]}
        for row in rows.order_by("starts_at", "agent").values().iterator(chunk_size=1000)
    )
    lines = ({name: row[name] for name in USAGE_COLUMNS} for row in found)
    return _file(USAGE_COLUMNS, lines, wanted.format, "usage")


def export_timeline(account_id: str, wanted: Wanted, now: datetime, *, issuer: str) -> Download:
    names = names_of(account_id, wanted.environment, service_ids_of(account_id, wanted, now))
    found = events(asked_of(account_id, wanted, now), names)
    if wanted.format == "otlp":
        return Download(write_otlp(found, issuer=issuer), "application/json", "timeline.otlp.json")
    return _file(COLUMNS, map(row_of, found), wanted.format, "timeline")


def _file(columns: tuple[str, ...], rows: Any, format: str, name: str) -> Download:
    if format == "json":
        return Download(write_json(rows), "application/json", f"{name}.json")
    return Download(write_csv(columns, rows), "text/csv; charset=utf-8", f"{name}.csv")


KIND_WORDS: Mapping[str, Any] = {
    "issue": lambda: gettext("Issued"),
    "exchange": lambda: gettext("Exchanged"),
    "use": lambda: gettext("Used"),
    "refuse": lambda: gettext("Refused"),
    "revoke": lambda: gettext("Restricted"),
}
EVENT_WORDS: Mapping[str, Any] = {
    "passport_issued": lambda: gettext("Passport issued"),
    "passport_renewed": lambda: gettext("Passport renewed"),
    "token_issued": lambda: gettext("Access token issued"),
    "token_revoked": lambda: gettext("Access token revoked"),
}
