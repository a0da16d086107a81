"""Reads the signal log (LINKAGE section 4): one JSON object a line. Pure; memory stays flat.

A bad line is named by its number and why; it never stops the reader.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import IO

MAX_LINE_BYTES = 8 * 1024
"""A good line has at most 512 characters of value, each 12 bytes when escaped, and little else."""
CLOCK_SKEW = timedelta(days=1)
"""A moment further ahead would keep its signal alive for longer than the rule allows."""
DAYS_KNOWN = 10_000

HALF = re.compile("[\ud800-\udfff]")
ACCOUNT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])Z")
ACTIVE = re.compile(r"active:([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9a-f]{72})")
TEMPLATE = re.compile(r"template:[0-9a-f]{1,128}")


class BadLine(Exception):
    """The line is not an observation; the message says why, without its content."""


@dataclass(frozen=True, slots=True)
class Observed:
    account: str
    kind: str
    value: str
    at: str
    """The moment as ``2026-02-03 14:05:00``, in UTC: sorts as time does, and the database reads it."""


@dataclass(frozen=True, slots=True)
class Active:
    """The slots of one day in which an account was at work."""

    account: str
    day: str
    slots: int
    """288 bits, first slot = highest bit."""


def lines_of(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines from 1; None for one that is too long, whose rest is read past."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)
        yield number, None


def latest_time(now: datetime) -> str:
    """What ``parse_line`` takes: the latest moment that a line may tell of."""
    return f"{(now + CLOCK_SKEW).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def parse_line(line: bytes | None, kinds: frozenset[str], *, latest: str) -> Observed | Active:
    """One observation. Raises BadLine."""
    if line is None:
        raise BadLine(f"longer than {MAX_LINE_BYTES} bytes")
    fields = _parse_object(line)
    account, kind = _text(fields, "account"), _text(fields, "kind")
    value, time = _text(fields, "value"), _text(fields, "time")
    if not ACCOUNT.fullmatch(account):
        raise BadLine("account is 1 to 64 of A-Z a-z 0-9 _ . : -")
    if kind not in kinds:
        raise BadLine("kind is not known")
    if not 1 <= len(value) <= 512:
        raise BadLine("value has 1 to 512 characters")
    at = _parse_time(time, latest)
    if kind == "traffic" and not TEMPLATE.fullmatch(value):
        return _parse_active(account, value, latest)
    return Observed(account, kind, value, at)


def _parse_object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadLine("not JSON") from None
    if not isinstance(found, dict):
        raise BadLine("not a JSON object")
    return found


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadLine(f"{name} is missing or not a string")
    if not value.isascii() and HALF.search(value):
        raise BadLine(f"{name} has half a character")
    return value


def _parse_time(time: str, latest: str) -> str:
    found = TIME.fullmatch(time)
    if found is None:
        raise BadLine("time is RFC 3339 in UTC, whole seconds, such as 2026-02-03T14:05:00Z")
    if not _is_day(found[1]):
        raise BadLine("time does not exist")
    at = f"{found[1]} {found[2]}"
    if at > latest:
        raise BadLine("time lies in the future")
    return at


@lru_cache(maxsize=DAYS_KNOWN)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parse_active(account: str, value: str, latest: str) -> Active:
    found = ACTIVE.fullmatch(value)
    if found is None:
        raise BadLine(
            "traffic is active:YYYY-MM-DD: and 72 hexadecimal digits, or template: and hexadecimal digits"
        )
    if not _is_day(found[1]):
        raise BadLine("the day of the traffic does not exist")
    if found[1] > latest[:10]:
        raise BadLine("the day of the traffic lies in the future")
    return Active(account, found[1], int(found[2], 16))
