"""A report of usage as a service sends it: read strictly, with the place of each fault. Pure."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final

from passport.jose import strict_json
from passport.usage.outcomes import OUTCOMES

MAX_BYTES: Final = 1024 * 1024
MAX_ITEMS: Final = 2_000
MAX_FAULTS: Final = 50
"""Told at once; whoever has more made one mistake many times."""
MAX_COUNT: Final = 1_000_000_000
OLDEST: Final = timedelta(hours=24)
"""Half of what raw lines are kept: what is accepted is still there to be counted."""
AHEAD: Final = timedelta(minutes=2)
SKETCH_BYTES: Final = 256
PREFIX_LENGTHS: Final = {4: 24, 6: 48}
REPORT_ID = re.compile("[A-Za-z0-9._~-]{8,64}")
AGENT_ID = re.compile("[\x21-\x7e]{1,100}")
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{0,64}")
REQUIRED = frozenset({"agent", "minute", "outcomes"})
OPTIONAL = frozenset({"scope", "units", "credential", "asn", "prefix", "sketch"})


@dataclass(frozen=True, slots=True)
class Fault:
    """``pointer`` is a JSON Pointer (RFC 6901) as a fragment: ``#/items/3/units``."""

    pointer: str
    detail: str


class BadReport(ValueError):
    """Nothing of the report was taken. ``faults`` is empty where the whole cannot be read."""

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail, self.faults = detail, faults


@dataclass(frozen=True, slots=True)
class Item:
    """One agent, scope and credential in one minute."""

    agent: str
    minute: datetime
    scope: str
    units: int
    outcomes: Mapping[str, int]
    credential: tuple[str, int] | None
    """URI of a status list, index in it: what all tokens of one passport share."""
    asn: int | None
    prefix: str
    """A /24 or /48; never kept as it is."""
    sketch: bytes


@dataclass(frozen=True, slots=True)
class Report:
    id: str
    items: tuple[Item, ...]


class _Bad(ValueError):
    """``member`` is the path below the item."""

    def __init__(self, member: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = member, detail


def read_report(body: bytes, now: datetime) -> Report:
    """All of it or nothing. Raises BadReport with at most 50 faults."""
    content = read_object(body)
    items, faults = content.get("items"), list(_faults_of_whole(content))
    if not isinstance(items, list):
        raise BadReport("the report is malformed", tuple(faults))
    read: list[Item] = []
    for place, found in enumerate(items[: MAX_ITEMS + 1]):
        try:
            read.append(_read_item(found, now))
        except _Bad as bad:
            member, detail = bad.fault
            faults.append(Fault(f"#/items/{place}{member}", detail))
    if faults:
        raise BadReport("the report is malformed", tuple(faults[:MAX_FAULTS]))
    return Report(content["id"], tuple(read))


def read_object(body: bytes) -> dict[str, Any]:
    """Raises BadReport."""
    try:
        return strict_json.loads_object(body)
    except ValueError as wrong:
        raise BadReport(f"the body is no JSON object: {wrong}") from wrong


def is_report_id(value: object) -> bool:
    return isinstance(value, str) and REPORT_ID.fullmatch(value) is not None


def _faults_of_whole(content: Mapping[str, Any]) -> list[Fault]:
    faults = [Fault(f"#/{_escape(name)}", "unknown member") for name in content.keys() - {"id", "items"}]
    if not is_report_id(content.get("id")):
        faults.append(Fault("#/id", "8 to 64 letters, digits, or . _ ~ -"))
    items = content.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        faults.append(Fault("#/items", f"an array of 1 to {MAX_ITEMS} items"))
    return faults


def _read_item(found: object, now: datetime) -> Item:
    """Raises _Bad."""
    if not isinstance(found, dict):
        raise _Bad("", "must be an object")
    if missing := REQUIRED - found.keys():
        raise _Bad("", f"lacks {' '.join(sorted(missing))}")
    if unknown := found.keys() - REQUIRED - OPTIONAL:
        raise _Bad(f"/{_escape(min(unknown))}", "unknown member")
    units = _count(found.get("units", 0), "/units")
    return Item(
        agent=_text(found, "agent", AGENT_ID, "1 to 100 visible characters"),
        minute=_minute(found["minute"], now),
        scope=_text(found, "scope", SCOPE, "a scope of at most 64 characters, or empty"),
        units=units,
        outcomes=_outcomes(found["outcomes"], may_be_empty=units > 0 or "sketch" in found),
        credential=_given(found, "credential", _credential),
        asn=_given(found, "asn", _asn),
        prefix=_given(found, "prefix", _prefix) or "",
        sketch=_given(found, "sketch", _sketch) or b"",
    )


def _given[T](found: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
    return read(found[name]) if name in found else None


def _text(found: Mapping[str, Any], name: str, pattern: re.Pattern[str], words: str) -> str:
    value = found.get(name, "")
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _Bad(f"/{name}", words)
    return value


def _count(value: object, member: str, least: int = 0, most: int = MAX_COUNT) -> int:
    # ``true`` is no number.
    if type(value) is not int or not least <= value <= most:
        raise _Bad(member, f"a whole number from {least} to {most}")
    return value


def _minute(value: object, now: datetime) -> datetime:
    seconds = _count(value, "/minute", most=10**11)
    if seconds % 60:
        raise _Bad("/minute", "seconds since 1970 at the start of a minute: a multiple of 60")
    earliest, latest = (now - OLDEST).timestamp(), (now + AHEAD).timestamp()
    if not earliest <= seconds <= latest:
        raise _Bad("/minute", "not within the last 24 hours")
    return datetime.fromtimestamp(seconds, UTC)


def _outcomes(value: object, *, may_be_empty: bool) -> Mapping[str, int]:
    if not isinstance(value, dict):
        raise _Bad("/outcomes", "must be an object")
    if unknown := value.keys() - set(OUTCOMES):
        raise _Bad(f"/outcomes/{_escape(min(unknown))}", f"one of: {' '.join(OUTCOMES)}")
    counts = {name: _count(count, f"/outcomes/{name}") for name, count in value.items()}
    if not any(counts.values()) and not may_be_empty:
        raise _Bad("/outcomes", "counts no call, and there is neither units nor a sketch")
    return counts


def _credential(value: object) -> tuple[str, int]:
    if not isinstance(value, dict) or value.keys() != {"uri", "idx"}:
        raise _Bad("/credential", "an object of uri and idx, as the claim status.status_list of the token")
    uri = value["uri"]
    if not isinstance(uri, str) or not 1 <= len(uri) <= 512:
        raise _Bad("/credential/uri", "a string of 1 to 512 characters")
    return uri, _count(value["idx"], "/credential/idx", most=2**31 - 1)


def _asn(value: object) -> int:
    return _count(value, "/asn", least=1, most=2**32 - 1)


def _prefix(value: object) -> str:
    try:
        network = ip_network(value) if isinstance(value, str) and "/" in value else None
    except ValueError:
        network = None
    if network is None or network.prefixlen != PREFIX_LENGTHS[network.version]:
        raise _Bad("/prefix", "a network of IPv4 cut to /24, or of IPv6 cut to /48")
    return str(network)


def _sketch(value: object) -> bytes:
    detail = f"{SKETCH_BYTES} bytes as base64url without padding"
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z0-9_-]*", value):
        raise _Bad("/sketch", detail)
    try:
        sketch = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        raise _Bad("/sketch", detail) from None
    if len(sketch) != SKETCH_BYTES:
        raise _Bad("/sketch", detail)
    return sketch


def _escape(name: str) -> str:
    """A member's name in a JSON Pointer (RFC 6901 section 3), cut: it was written by the caller."""
    return name[:40].replace("~", "~0").replace("/", "~1")
