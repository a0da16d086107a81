"""What is known about the state of credentials: lists, deltas, denied agents, revoked tokens. In memory.

Three rules make it exact. A delta only tightens; only a signed list loosens. A list holds all
changes up to its ``ledger``, so deltas behind it are kept and put on top of any older list that
arrives late. And what is known is known *as of* a moment: the ``iat`` of the list, or, while
every event since has been heard, the last word of the feed. From that moment the bound counts.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from agent_passport._credential import Credential
from agent_passport._status_list import REVOKED, SUSPENDED, VALID, StatusList

SILENCE_SECONDS = 2.0
"""A feed that was silent for longer counts as cut off: it ticks every half second."""
LISTS_KNOWN = 1024
DELTAS_KEPT = 16_384
"""Indexes, for each list, four bytes each: beyond them the list itself is the shorter way."""

Outage = Literal["ttl", "exp"]


class Verdict(Enum):
    GOOD = "good"
    REVOKED = "passport_revoked"
    SUSPENDED = "passport_suspended"
    DENIED = "agent_denied"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    OUT_OF_RANGE = "status_invalid"
    UNKNOWN = "status_unavailable"


@dataclass(frozen=True, slots=True)
class Delta:
    ledger: int
    values: Mapping[int, Sequence[int]]
    """Indexes by the value they tightened to."""

    def __len__(self) -> int:
        return sum(map(len, self.values.values()))

    def tighten(self, held: StatusList) -> None:
        """Raises IndexError or ValueError when it does not fit this list."""
        for value, indexes in self.values.items():
            for index in indexes:
                held.tighten(index, value)


@dataclass(slots=True)
class Tracked:
    """One list, with what came after it."""

    held: StatusList | None = None
    deltas: list[Delta] = field(default_factory=list)
    wanted: int = 0
    """The list must be fetched until its ``ledger`` is at least this."""
    dropped: int = 0
    """Deltas up to here are no longer kept: what they said stands in ``held`` alone."""

    @property
    def is_wanting(self) -> bool:
        return self.held is None or self.held.ledger < self.wanted

    def follow(self, delta: Delta) -> None:
        if self.held is not None and delta.ledger <= self.held.ledger:
            return
        self.deltas.append(delta)
        if sum(map(len, self.deltas)) > DELTAS_KEPT:
            self.drop(delta.ledger)
        if self.held is None:
            return
        try:
            delta.tighten(self.held)
        except (IndexError, ValueError):
            self.wanted = delta.ledger

    def drop(self, ledger: int) -> None:
        """Deltas up to here are missing or too many: only a list that has them loosens again."""
        self.wanted = max(self.wanted, ledger)
        self.dropped = ledger
        self.deltas.clear()

    def install(self, fetched: StatusList, now: float) -> bool:
        """False: what is held is newer (SL-07)."""
        held = self.held
        is_older = held is not None and (fetched.issued_at < held.issued_at or fetched.ledger < held.ledger)
        if held is not None and is_older and now < held.expires_at:
            return False
        if held is not None and fetched.ledger < self.dropped:
            fetched.tighten_as(held)
        self.deltas = [delta for delta in self.deltas if delta.ledger > fetched.ledger]
        for delta in self.deltas:
            try:
                delta.tighten(fetched)
            except (IndexError, ValueError):
                self.wanted = max(self.wanted, delta.ledger)
        # Readers take no lock: they see the old list whole or the new one whole.
        self.held = fetched
        return True


class Standing:
    """Written by the feed and by fetches, under a lock; read by every request without one."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.lock = threading.RLock()
        self.lists: dict[str, Tracked] = {}
        self.position: int | None = None
        """Every event up to here was heard; where to resume."""
        self.covered_from: int | None = None
        """Every event after this was heard: a list at least this new lacks nothing."""
        self.feed_time = 0.0
        """The issuer's time at its last word."""
        self._head = 0
        self._heard_at = float("-inf")
        self.denied: frozenset[str] = frozenset()
        self.denied_at = 0
        self.denied_since: dict[str, int] = {}
        self.revoked_tokens: dict[str, int] = {}

    # Asked by requests.

    def judge(self, credential: Credential, now: float, outage: Outage) -> Verdict:
        """A few look-ups, no lock, no I/O."""
        tracked = self.lists.get(credential.list_uri)
        held = tracked.held if tracked else None
        if tracked is None or held is None or not self._is_fresh(tracked, held, now, outage):
            return Verdict.UNKNOWN
        try:
            value = held.value(credential.index)
        except IndexError:
            return Verdict.OUT_OF_RANGE
        if value != VALID:
            return {REVOKED: Verdict.REVOKED, SUSPENDED: Verdict.SUSPENDED}.get(value, Verdict.REVOKED)
        if not self.denied.isdisjoint(credential.parties):
            return Verdict.DENIED
        return Verdict.TOKEN_REVOKED if credential.jti in self.revoked_tokens else Verdict.GOOD

    def _is_fresh(self, tracked: Tracked, held: StatusList, now: float, outage: Outage) -> bool:
        if now >= held.expires_at:
            return False
        if outage == "exp":
            return True
        synced = self._is_synced(tracked, held)
        if synced and self.is_live:
            return True
        as_of = max(held.issued_at, self.feed_time) if synced else held.issued_at
        return now < as_of + held.ttl

    def _is_synced(self, tracked: Tracked, held: StatusList) -> bool:
        start = self.covered_from
        return start is not None and held.ledger >= start and held.ledger >= tracked.wanted

    @property
    def is_live(self) -> bool:
        """The feed is heard, and has told all that we missed."""
        heard = self._monotonic() - self._heard_at <= SILENCE_SECONDS
        return heard and self.position is not None and self.position >= self._head

    # Told by fetches.

    def install(self, fetched: StatusList, now: float) -> bool:
        with self.lock:
            tracked = self._tracked(fetched.uri)
            return tracked is not None and tracked.install(fetched, now)

    def to_fetch(self, now: float, margin_seconds: float) -> list[str]:
        """Lists that are wanted newer, or whose end or (without feed) time to live comes near."""
        live = self.is_live
        with self.lock:
            return [uri for uri, tracked in self.lists.items() if _is_due(tracked, now, margin_seconds, live)]

    # Told by the feed.

    def hello(self, ledger: int, uris: Iterable[str], resumed_from: int | None) -> None:
        with self.lock:
            if resumed_from is not None and ledger < resumed_from:
                self._begin_anew()
                resumed_from = None
            if resumed_from is None:
                self.covered_from = self.position = ledger
            elif self.covered_from is None:
                self.covered_from = resumed_from
            self._head = ledger
            for uri in uris:
                self._tracked(uri)

    def _begin_anew(self) -> None:
        """The issuer's record is shorter than what we read of it: it was set up again."""
        for tracked in self.lists.values():
            tracked.deltas.clear()
            tracked.wanted = tracked.dropped = 0
            if tracked.held is not None:
                tracked.held.ledger = 0
        self.denied_at = 0

    def resume_point(self) -> int | None:
        """The position to ask the feed for: ours, or that of the oldest list; None without lists."""
        with self.lock:
            if self.position is not None:
                return self.position
            return min((t.held.ledger for t in self.lists.values() if t.held is not None), default=None)

    def follow(self, uri: str, delta: Delta) -> None:
        with self.lock:
            tracked = self._tracked(uri)
            if tracked is not None:
                tracked.follow(delta)

    def want(self, uri: str, ledger: int) -> None:
        with self.lock:
            tracked = self._tracked(uri)
            if tracked is not None:
                tracked.wanted = max(tracked.wanted, ledger)

    def reload(self, ledger: int) -> None:
        """Events were missed: every list must be newer than the gap."""
        with self.lock:
            self.covered_from = self.position = ledger
            for tracked in self.lists.values():
                tracked.drop(ledger)

    def lose(self) -> None:
        """A frame could not be read: what it said is missing. Start over with the lists."""
        with self.lock:
            self.position = self.covered_from = None
            self._heard_at = float("-inf")

    def deny(self, ledger: int, subs: Iterable[str]) -> None:
        with self.lock:
            if ledger > self.denied_at:
                self.denied_since.update(dict.fromkeys(subs, ledger))
                self.denied = self.denied | self.denied_since.keys()

    def deny_exactly(self, ledger: int, subs: Iterable[str]) -> None:
        """The signed list of all who are denied: what it lacks is allowed again."""
        with self.lock:
            if ledger >= self.denied_at:
                self.denied_at = ledger
                self.denied_since = {sub: at for sub, at in self.denied_since.items() if at > ledger}
                self.denied = frozenset(subs) | self.denied_since.keys()

    def revoke_token(self, jti: str, expires_at: int) -> None:
        with self.lock:
            self.revoked_tokens[jti] = expires_at

    def forget_expired(self, now: float) -> None:
        with self.lock:
            kept = {jti: until for jti, until in self.revoked_tokens.items() if until + 60 > now}
            if len(kept) < len(self.revoked_tokens):
                self.revoked_tokens = kept

    def heard(self, ledger: int | None, issuer_time: float | None = None) -> None:
        """A frame arrived whole and was taken in."""
        with self.lock:
            if ledger is not None and (self.position is None or ledger > self.position):
                self.position = ledger
            self._heard_at = self._monotonic()
            if issuer_time is not None and self.is_live:
                self.feed_time = max(self.feed_time, issuer_time)

    def _tracked(self, uri: str) -> Tracked | None:
        if uri not in self.lists:
            if len(self.lists) >= LISTS_KNOWN:
                return None
            self.lists[uri] = Tracked()
        return self.lists[uri]


def _is_due(tracked: Tracked, now: float, margin_seconds: float, live: bool) -> bool:
    held = tracked.held
    if held is None or tracked.is_wanting:
        return True
    if now >= (held.issued_at + held.expires_at) / 2:
        return True
    return not live and now >= held.issued_at + held.ttl - margin_seconds
