"""Which proofs were seen: in this process, or in a Redis that all processes of a service share."""

import threading
import time
from typing import Any, Protocol

GENERATION_ENTRIES = 500_000
"""About 60 MB for each of two generations: at the bound the service refuses, it does not forget."""


class ReplayStore(Protocol):
    """``spend`` is one atomic step: between a look and a note stands the attacker.

    ``blocking``: it waits for the network, so an event loop calls it in a thread.
    ``complete_since``: proofs made before this moment (seconds since 1970) may have been spent
    without this store knowing; they need a nonce. None: it remembers longer than any process lives.
    """

    blocking: bool
    complete_since: float | None

    def spend(self, key: bytes, seconds: int) -> bool:
        """True the first time. Remembers for ``seconds``. Raises ReplayUnavailable."""
        ...


class ReplayUnavailable(Exception):
    """It cannot be said whether the proof is new: it counts as not new."""


class MemoryReplay:
    """Two generations of keys; the older is dropped whole when both are past their time."""

    blocking = False

    def __init__(self) -> None:
        self.complete_since: float | None = time.time()
        self._lock = threading.Lock()
        self._current: set[bytes] = set()
        self._previous: set[bytes] = set()
        self._turned_at = time.monotonic()

    def spend(self, key: bytes, seconds: int) -> bool:
        with self._lock:
            self._turn(seconds)
            if key in self._current or key in self._previous:
                return False
            if len(self._current) >= GENERATION_ENTRIES:
                raise ReplayUnavailable("the replay store is full")
            self._current.add(key)
            return True

    def _turn(self, seconds: int) -> None:
        passed = time.monotonic() - self._turned_at
        if passed < seconds:
            return
        # After twice the time nothing of the current generation can matter either.
        self._previous = self._current if passed < 2 * seconds else set()
        self._current = set()
        self._turned_at = time.monotonic()


class RedisReplay:
    """Takes any client with the ``set`` of redis-py. It must not evict: ``noeviction``."""

    blocking = True
    complete_since: float | None = None

    def __init__(self, client: Any, prefix: str = "agent-passport:proof:") -> None:
        self._client = client
        self._prefix = prefix.encode("utf-8")

    def spend(self, key: bytes, seconds: int) -> bool:
        try:
            return bool(self._client.set(self._prefix + key, b"", nx=True, ex=seconds))
        except Exception as error:
            # Each client has a tree of errors of its own; whichever it is, the proof is not known to be new.
            raise ReplayUnavailable(type(error).__name__) from error
