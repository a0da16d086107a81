"""Usage and timelines as files: CSV, JSON, and the log records of OpenTelemetry (OTLP/JSON). Streamed."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from passport.usage.timeline import Event

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = ("time", "kind", "what", "agent", "credential", "service", "scope", "count", "reason")
WARN, INFO = 13, 9
"""Severity numbers of OpenTelemetry's log data model."""


def row_of(event: Event) -> dict[str, Any]:
    return {
        "time": event.at.isoformat(),
        "kind": event.kind,
        "what": event.what,
        "agent": event.agent,
        "credential": event.credential,
        "service": event.service,
        "scope": event.scope,
        "count": event.count,
        "reason": event.reason,
    }


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Line by line. Cells that a spreadsheet would compute are quoted."""
    yield _line(columns)
    for row in rows:
        yield _line([_harmless(row[name]) for name in columns])


def write_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One array."""
    yield "["
    for place, row in enumerate(rows):
        yield (",\n" if place else "\n") + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"


def write_otlp(events: Iterable[Event], *, issuer: str) -> Iterator[str]:
    """As an exporter would post to ``/v1/logs``."""
    resource = {
        "attributes": [_attribute("service.name", "agent-passport"), _attribute("server.address", issuer)]
    }
    yield '{"resourceLogs":[{"resource":' + json.dumps(resource)
    yield ',"scopeLogs":[{"scope":{"name":"agent_passport.timeline"},"logRecords":['
    for place, event in enumerate(events):
        yield ("," if place else "") + json.dumps(_record(event), ensure_ascii=False)
    yield "]}]}]}\n"


def _record(event: Event) -> dict[str, Any]:
    warns = event.kind in ("refuse", "revoke")
    told = {name: value for name, value in row_of(event).items() if name not in ("time", "what") and value}
    return {
        "timeUnixNano": str(int(event.at.timestamp()) * 1_000_000_000 + event.at.microsecond * 1_000),
        "severityNumber": WARN if warns else INFO,
        "severityText": "WARN" if warns else "INFO",
        "eventName": f"agent_passport.{event.kind}",
        "body": {"stringValue": event.what},
        "attributes": [_attribute(f"agent_passport.{name}", value) for name, value in told.items()],
    }


def _attribute(key: str, value: str | int) -> dict[str, Any]:
    # 64-bit numbers are strings in protobuf's JSON.
    typed = {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
    return {"key": key, "value": typed}


def _line(cells: Sequence[object]) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue()


def _harmless(cell: object) -> str:
    said = str(cell)
    return f"'{said}" if said.startswith(FORMULA_STARTS) else said
