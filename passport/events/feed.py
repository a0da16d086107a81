"""One reader of the ledger for all subscribers of a process, and the ring they read from.

A thread reads what the ledger placed since its last look, turns it into bytes once and puts
these into a ring. Subscribers hold a place in the ring, no database connection and no queue:
one that falls behind the ring's tail is cut, and comes back by ``Last-Event-ID``.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, close_old_connections, connections

from foundation import clock
from foundation.ledger.read import entries_after, head
from passport.events import frames
from passport.events.denied import denied_token
from passport.events.metrics import SENT, SUBSCRIBERS
from passport.events.translate import Gap, Item, translate

log = structlog.get_logger()

LOOK_SECONDS = 0.05
"""Between two looks at the ledger: what a fact waits here at most, out of its second."""
IDLE_SECONDS = 10.0
"""The thread ends so long after the last subscriber left."""
RING_ITEMS = 10_000
RING_BYTES = 32 * 1024 * 1024
CHUNK = 500
SIGNED_WITHIN_LOOKS = 40
"""A change that is not signed after two seconds is told nevertheless: readers try the list again."""
DENIED_FRESH_SECONDS = 60
STALE_SECONDS = 1.5
"""Without a look for so long the feed does not say that it is alive."""
MOST_RESUMED = 20_000
"""Positions told again to a reader that was away; beyond, the lists are shorter."""


@dataclass(slots=True, eq=False)
class Subscriber:
    """A place in the ring, and what wakes its reader."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event
    place: int
    """Number of the next item to take, counted from the first ever put in."""


@dataclass(slots=True)
class Ring:
    """The last items, each with its number; the oldest fall out."""

    items: deque[Item] = field(default_factory=deque)
    next_number: int = 0
    bytes_held: int = 0

    @property
    def tail(self) -> int:
        return self.next_number - len(self.items)

    def put(self, item: Item) -> None:
        self.items.append(item)
        self.next_number += 1
        self.bytes_held += len(item.frames)
        while len(self.items) > RING_ITEMS or (self.bytes_held > RING_BYTES and len(self.items) > 1):
            self.bytes_held -= len(self.items.popleft().frames)

    def take(self, place: int) -> list[Item] | None:
        """Everything from ``place`` on; None when that fell out."""
        if place < self.tail:
            return None
        return [self.items[number - self.tail] for number in range(place, self.next_number)]


class Feed:
    """The ring, who reads from it, and the thread that fills it."""

    def __init__(self, issuer: Callable[[], str]) -> None:
        self._issuer = issuer
        self._lock = threading.Lock()
        self._ring = Ring()
        self._position = 0
        self._subscribers: set[Subscriber] = set()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._empty_since = 0.0
        self._waited = 0
        self._looked_at = 0.0
        self._denied: tuple[int, int, str] | None = None
        self._denied_lock = threading.Lock()

    # --- For subscribers -------------------------------------------------------------------

    def join(self, loop: asyncio.AbstractEventLoop) -> tuple[Subscriber, int]:
        """A new subscriber behind the newest item, and the position up to which it has to catch up.

        Reads the head of the ledger when it is the first: call it from a thread.
        """
        with self._lock:
            if self._thread is None:
                self._position = head()
                self._looked_at = time.monotonic()
                self._ring = Ring(next_number=self._ring.next_number)
                self._denied = None
                self._stopping = threading.Event()
                self._thread = threading.Thread(target=self._run, name="event-feed", daemon=True)
                self._thread.start()
            subscriber = Subscriber(loop, asyncio.Event(), self._ring.next_number)
            self._subscribers.add(subscriber)
            SUBSCRIBERS.set(len(self._subscribers))
            return subscriber, self._position

    def leave(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers.discard(subscriber)
            SUBSCRIBERS.set(len(self._subscribers))

    def take(self, subscriber: Subscriber) -> list[Item] | None:
        """What came since the last call; None: the subscriber was too slow and is cut."""
        with self._lock:
            subscriber.woken.clear()
            items = self._ring.take(subscriber.place)
            subscriber.place = self._ring.next_number
            return items

    @property
    def position(self) -> int:
        """Up to here the ring holds everything that was to be said."""
        return self._position

    @property
    def is_alive(self) -> bool:
        """Whether the ledger was looked at just now."""
        return time.monotonic() - self._looked_at < STALE_SECONDS

    def denied(self) -> tuple[int, bytes]:
        """The frame with all denied agents, and the position it is true for. Kept for a minute.

        Without an id: a reader that is cut off behind it has not caught up yet.
        """
        unix = int(clock.now().timestamp())
        with self._denied_lock:
            held = self._denied
            if held is None or unix - held[1] >= DENIED_FRESH_SECONDS:
                position = self._position
                held = (position, unix, denied_token(self._issuer(), position, clock.now()))
                self._denied = held
        return held[0], frames.denied_list(held[0], held[2])

    # --- The thread ------------------------------------------------------------------------

    def stop(self) -> None:
        """End the thread and wait for it; the next subscriber starts another."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        stopping = self._stopping
        while not stopping.is_set() and not self._is_over():
            try:
                self.look()
                self._looked_at = time.monotonic()
            except DatabaseError as failure:
                # Subscribers hear no tick meanwhile and count themselves cut off.
                log.warning("feed_cannot_read", error=type(failure).__name__)
                close_old_connections()
                stopping.wait(1.0)
            stopping.wait(LOOK_SECONDS)
        connections.close_all()

    def _is_over(self) -> bool:
        with self._lock:
            now = clock.now().timestamp()
            if self._subscribers:
                self._empty_since = now
                return False
            if now - (self._empty_since or now) < IDLE_SECONDS:
                self._empty_since = self._empty_since or now
                return False
            self._thread, self._empty_since = None, 0.0
            return True

    def look(self) -> int:
        """Read what was placed since the last look into the ring. Gives how many positions."""
        total = 0
        while entries := entries_after(self._position, CHUNK):
            patient = self._waited < SIGNED_WITHIN_LOOKS
            try:
                items = translate(entries, self._issuer(), wait_for_signed=patient)
            except Gap:
                again = frames.reload(entries[-1].number)
                items = [Item(entries[-1].number, again, again, loosened=True, marked_at=None)]
            self._waited = 0 if items else self._waited + 1
            if not items:
                break
            total += len(items)
            self._put(items)
            if len(items) < len(entries):
                break
        return total

    def _put(self, items: list[Item]) -> None:
        last = items[-1].position
        said = [item for item in items if item.frames]
        if any(item.loosened for item in items):
            said.append(self._denied_item(last))
        with self._lock:
            for item in said:
                self._ring.put(item)
            self._position = last
            if any(item.frames != item.without_denied or item.loosened for item in items):
                self._denied = None
            waiting = list(self._subscribers) if said else []
        for subscriber in waiting:
            _wake(subscriber)
        now = clock.now()
        for item in items:
            if item.marked_at is not None:
                SENT.observe((now - item.marked_at).total_seconds())

    def _denied_item(self, position: int) -> Item:
        token = denied_token(self._issuer(), position, clock.now())
        told = frames.numbered([frames.denied_list(position, token)], position)
        return Item(position, told, b"", loosened=False, marked_at=None)


def _wake(subscriber: Subscriber) -> None:
    try:
        subscriber.loop.call_soon_threadsafe(subscriber.woken.set)
    except RuntimeError:
        # Its loop has closed; its reader is gone.
        log.debug("feed_reader_gone")


def history(after: int, up_to: int, issuer: str) -> Iterator[Item]:
    """The items of positions above ``after`` and up to ``up_to``, from the record. Raises Gap.

    More than MOST_RESUMED positions are a gap too: the lists are shorter then.
    """
    if not 0 <= after <= up_to or up_to - after > MOST_RESUMED:
        raise Gap
    while after < up_to:
        entries = [entry for entry in entries_after(after, CHUNK) if entry.number <= up_to]
        if not entries:
            return
        yield from translate(entries, issuer, wait_for_signed=False)
        after = entries[-1].number
