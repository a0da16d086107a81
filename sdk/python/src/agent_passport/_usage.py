"""What agents used of a service, told to the issuer in the background. Never blocks a request.

Counts are kept by agent, scope, credential, network and minute; every ten seconds a thread sends
them. A report that was not answered is sent again as it was, under the same id, so it counts once.
Memory is bounded: beyond 10,000 entries the oldest are dropped, and counted.
"""

import asyncio
import ipaddress
import json
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

from agent_passport import _base64
from agent_passport._retry import backoff
from agent_passport._sketch import join

log = logging.getLogger("agent_passport")

Outcome = Literal["allowed", "failed", "over_limit", "lacks_scope", "restricted", "bad_proof", "other"]

ENTRIES = 10_000
REPORT_ITEMS = 500
EVERY_SECONDS = 10.0
CLOSE_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 300.0
_AGAIN = frozenset({0, 401, 408, 429})
"""0: no answer. Any 5xx too."""


class Told(NamedTuple):
    """How the issuer answered: HTTP status, 0 for no answer; seconds of ``Retry-After``."""

    status: int
    retry_after: float | None = None


class Who(Protocol):
    """A ``Verified``, or the credential before it is one."""

    @property
    def agent(self) -> str: ...
    @property
    def claims(self) -> Any: ...


class _Key(NamedTuple):
    agent: str
    scope: str
    uri: str
    place: int
    prefix: str
    asn: int
    minute: int


@dataclass(slots=True)
class _Entry:
    units: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    sketch: bytes | None = None


class Usage:
    """``verifier.usage``. Safe to share between threads and event loops; ``record`` only counts.

    ``send`` posts one report and never raises.
    """

    def __init__(
        self,
        send: Callable[[bytes], Told],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        every_seconds: float = EVERY_SECONDS,
        entries: int = ENTRIES,
    ) -> None:
        self._send, self._clock, self._monotonic = send, clock, monotonic
        self._every, self._most = every_seconds, entries
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._pending: tuple[bytes, int] | None = None
        self._failures = 0
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.dropped = 0
        """Entries that never reached the issuer: too many waited, or it refused them."""

    def record(
        self,
        who: Who,
        *,
        scope: str | None = None,
        units: int = 0,
        outcome: Outcome | None = None,
        shape: bytes | None = None,
        asn: int | None = None,
        address: str | None = None,
    ) -> None:
        """Add to what is known of this caller in this minute. Takes no time worth naming.

        The verifier counts every call by itself. Add ``shape=sketch_of(prompt)``, never text;
        ``units`` that were known only afterwards; ``outcome="failed"`` where a call that was let
        through could not be answered. Of ``address`` only the /24 or /48 leaves this process.
        """
        if not (units or outcome or shape):
            return
        key = self._key(who, scope, asn, address)
        with self._lock:
            entry = self._entry(key)
            entry.units += units
            if outcome:
                entry.outcomes[outcome] = entry.outcomes.get(outcome, 0) + 1
            if outcome == "failed" and entry.outcomes.get("allowed"):
                entry.outcomes["allowed"] -= 1
            if shape is not None:
                entry.sketch = shape if entry.sketch is None else join(entry.sketch, shape)
        self._ensure_thread()

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Send what waits, now, for at most ``seconds``. False: some of it still waits."""
        deadline = self._monotonic() + seconds
        while self._monotonic() < deadline:
            if not self._prepare():
                return True
            if self._send_pending() is not None:
                return False
        return False

    async def aflush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """The same, while the event loop goes on."""
        return await asyncio.to_thread(self.flush, seconds)

    def close(self) -> None:
        """Stop, after one try to send what waits."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self.flush()

    # Counting.

    def _key(self, who: Who, scope: str | None, asn: int | None, address: str | None) -> _Key:
        place = who.claims.get("status", {}).get("status_list", {})
        minute = int(self._clock()) // 60 * 60
        asked = scope if scope is not None else getattr(who, "scope", None)
        uri, index = str(place.get("uri", "")), int(place.get("idx", 0))
        return _Key(who.agent, asked or "", uri, index, prefix_of(address), asn or 0, minute)

    def _entry(self, key: _Key) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
                self.dropped += 1
        return entry

    # Sending.

    def _ensure_thread(self) -> None:
        if self._thread is not None or self._closed:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="agent-passport-usage", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        wait = self._every
        while not self._wake.wait(wait):
            wait = self._every
            while not self._closed and self._prepare():
                if (again := self._send_pending()) is not None:
                    wait = again
                    break

    def _prepare(self) -> bool:
        """Whether there is a report to send: the one that waits for an answer, else a new one."""
        with self._lock:
            if self._pending is None:
                most = min(REPORT_ITEMS, len(self._entries))
                items = [_item(*self._entries.popitem(last=False)) for _ in range(most)]
                if items:
                    report = {"id": secrets.token_urlsafe(16), "items": items}
                    self._pending = json.dumps(report, separators=(",", ":")).encode(), len(items)
            return self._pending is not None

    def _send_pending(self) -> float | None:
        """Seconds to wait before the same is sent again; None: it is done with."""
        with self._sending:
            pending = self._pending
            if pending is None:
                return None
            body, items = pending
            told = self._send(body)
            if told.status in _AGAIN or told.status >= 500:
                self._failures += 1
                wait = backoff(min(self._failures, 10)) * 2
                return min(max(wait, told.retry_after or 0.0), LONGEST_WAIT_SECONDS)
            self._failures = 0
            with self._lock:
                self._pending = None
                if told.status != 200:
                    self.dropped += items
            if told.status != 200:
                log.warning("usage_refused status=%s items=%s", told.status, items)
            return None


def outcome_of(code: str, reason: str) -> Outcome | None:
    """What a refusal counts as; None for one that only asks for a nonce."""
    if code == "use_dpop_nonce":
        return None
    if code == "invalid_token":
        return "restricted" if reason.startswith(("passport_", "agent_", "token_")) else "other"
    found: dict[str, Outcome] = {
        "rate_limited": "over_limit",
        "insufficient_scope": "lacks_scope",
        "invalid_dpop_proof": "bad_proof",
    }
    return found.get(code, "other")


@lru_cache(maxsize=4096)
def prefix_of(address: str | None) -> str:
    """The /24 or /48 of a public address; empty for any other: a proxy's address says nothing."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if not found.is_global:
        return ""
    return str(ipaddress.ip_network((found.packed, 24 if found.version == 4 else 48), strict=False))


def _item(key: _Key, entry: _Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "agent": key.agent,
        "minute": key.minute,
        "scope": key.scope,
        "units": entry.units,
        "outcomes": {name: count for name, count in entry.outcomes.items() if count},
    }
    if key.uri:
        item["credential"] = {"uri": key.uri, "idx": key.place}
    if key.prefix:
        item["prefix"] = key.prefix
    if key.asn:
        item["asn"] = key.asn
    if entry.sketch is not None:
        item["sketch"] = _base64.encode(entry.sketch)
    return item
