"""One does the work, all others wait for its result: across threads, event loops, and both at once."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _LeaderGone(Exception):
    """The one who did the work was cancelled; somebody else takes over."""


class SingleFlight(Generic[Result]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[Result]] = {}

    def do(self, key: Hashable, work: Callable[[], Result]) -> Result:
        """Raises what ``work`` raises, to everybody who waited."""
        while True:
            flight, leading = self._join(key)
            if leading:
                with _Landing(self, key, flight) as landing:
                    return landing.landed(work())
            if _in_event_loop():
                # The leader may be a task of this very loop, which stands still while we wait here.
                return work()
            try:
                return flight.result()
            except _LeaderGone:
                continue

    async def ado(self, key: Hashable, work: Callable[[], Awaitable[Result]]) -> Result:
        """The same in an event loop. A cancelled waiter disturbs nobody."""
        while True:
            flight, leading = self._join(key)
            if leading:
                with _Landing(self, key, flight) as landing:
                    return landing.landed(await work())
            try:
                return await asyncio.shield(asyncio.wrap_future(flight))
            except _LeaderGone:
                continue

    def _join(self, key: Hashable) -> tuple["Future[Result]", bool]:
        with self._lock:
            if key in self._flights:
                return self._flights[key], False
            flight: Future[Result] = Future()
            # From here on nobody can cancel it, as a cancelled waiter otherwise would.
            flight.set_running_or_notify_cancel()
            self._flights[key] = flight
            return flight, True

    def _remove(self, key: Hashable) -> None:
        with self._lock:
            del self._flights[key]


class _Landing(Generic[Result]):
    """Whatever happens to the leader, the flight ends and the waiters are told."""

    def __init__(self, flights: SingleFlight[Result], key: Hashable, flight: "Future[Result]") -> None:
        self._flights, self._key, self._flight = flights, key, flight

    def __enter__(self) -> "_Landing[Result]":
        return self

    def landed(self, result: Result) -> Result:
        self._flights._remove(self._key)
        self._flight.set_result(result)
        return result

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        self._flights._remove(self._key)
        self._flight.set_exception(error if isinstance(error, Exception) else _LeaderGone())


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
