"""Reading the event feed: a thread that stays connected, resumes where it stopped, and tells Standing."""

import logging
import random
import threading
from array import array
from collections.abc import Callable, Iterable
from typing import Any

from agent_passport import _jws
from agent_passport._issuer_client import IssuerAway, IssuerClient
from agent_passport._protocol import DENIED_LIST_TYP
from agent_passport._sse import Event, EventParser, TooLong
from agent_passport._standing import Delta, Standing
from agent_passport._status_list import REVOKED, SUSPENDED, BadList, read_gaps

log = logging.getLogger("agent_passport")

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class Unreadable(ValueError):
    """A frame that is not what the protocol says; what it meant is unknown."""


class EventReader:
    """Turns frames into what they mean for Standing. No connection here."""

    def __init__(
        self,
        issuer: str,
        standing: Standing,
        *,
        is_ours: Callable[[str], bool],
        verify: Callable[[_jws.Jws], None],
        on_keys: Callable[[], None],
        on_lists: Callable[[], None],
    ) -> None:
        self._issuer, self._standing = issuer, standing
        self._is_ours, self._verify = is_ours, verify
        self._on_keys, self._on_lists = on_keys, on_lists
        self.resumed_from: int | None = None

    def take(self, event: Event) -> None:
        """Raises Unreadable. An event of a kind that we do not know is passed over."""
        read = _READERS.get(event.name)
        if read is None:
            return
        try:
            data = _jws.parse_json(event.data.encode("utf-8"))
            ledger = _integer(data, "ledger")
            read(self, data, ledger)
        except Unreadable:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{event.name}: {error}") from error
        # The id stands on the last frame of a position: cut off before it, we ask for the whole again.
        # Hello names the head before it tells what we missed: it moves nothing.
        told = int(event.id[:18]) if event.id.isdecimal() and event.name != "hello" else None
        time = data.get("time") if event.name == "tick" else None
        self._standing.heard(told, time if _jws.is_time(time) else None)

    def _hello(self, data: dict[str, Any], ledger: int) -> None:
        uris = [uri for uri in _texts(data["lists"]) if self._is_ours(uri)]
        self._standing.hello(ledger, uris, self.resumed_from)
        self._on_lists()

    def _status(self, data: dict[str, Any], ledger: int) -> None:
        uri = self._uri(data)
        gaps = {
            value: array("I", read_gaps(data[str(value)]))
            for value in (REVOKED, SUSPENDED)
            if str(value) in data
        }
        self._standing.follow(uri, Delta(ledger, gaps))

    def _list(self, data: dict[str, Any], ledger: int) -> None:
        self._standing.want(self._uri(data), ledger)
        self._on_lists()

    def _denied(self, data: dict[str, Any], ledger: int) -> None:
        self._standing.deny(ledger, _texts(data["subs"]))

    def _denied_list(self, data: dict[str, Any], ledger: int) -> None:
        jws = _jws.parse(data["token"], max_bytes=_jws.LIST_BYTES)
        self._verify(jws)
        if jws.typ != DENIED_LIST_TYP or jws.claims.get("iss") != self._issuer:
            raise Unreadable("denied-list: of another kind or issuer")
        self._standing.deny_exactly(_integer(jws.claims, "ledger"), _texts(jws.claims["subs"]))

    def _token(self, data: dict[str, Any], ledger: int) -> None:
        self._standing.revoke_token(str(data["jti"]), _integer(data, "exp"))

    def _keys(self, data: dict[str, Any], ledger: int) -> None:
        self._on_keys()

    def _reload(self, data: dict[str, Any], ledger: int) -> None:
        self._standing.reload(ledger)
        self._on_lists()

    def _tick(self, data: dict[str, Any], ledger: int) -> None:
        """Nothing happened, and that is news."""

    def _uri(self, data: dict[str, Any]) -> str:
        uri = data["uri"]
        if not isinstance(uri, str) or not self._is_ours(uri):
            raise Unreadable("a list outside the issuer's origin")
        return uri


_READERS: dict[str, Callable[[EventReader, dict[str, Any], int], None]] = {
    "hello": EventReader._hello,
    "status": EventReader._status,
    "list": EventReader._list,
    "denied": EventReader._denied,
    "denied-list": EventReader._denied_list,
    "token": EventReader._token,
    "keys": EventReader._keys,
    "reload": EventReader._reload,
    "tick": EventReader._tick,
}


class FeedThread:
    """``prime`` fetches all lists: from the oldest of them the feed can be resumed without a gap."""

    def __init__(
        self, client: IssuerClient, standing: Standing, reader: EventReader, prime: Callable[[], None]
    ) -> None:
        self._client, self._standing, self._reader, self._prime = client, standing, reader, prime
        self._closed = threading.Event()
        self._retry_seconds = _FIRST_PAUSE_SECONDS
        self._thread = threading.Thread(target=self._run, name="agent-passport-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(5)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            try:
                self._listen()
                pause = self._retry_seconds
            except IssuerAway as error:
                log.info("feed_away error=%s", error)
            except (Unreadable, TooLong, BadList) as error:
                log.warning("feed_unreadable error=%s", error)
                self._standing.lose()
            except Exception:
                # A fault of ours must not end the thread: without it nothing would be refused in time.
                log.exception("feed_failed")
                self._standing.lose()
            if self._standing.is_live:
                pause = self._retry_seconds
            self._closed.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _listen(self) -> None:
        """Until the connection ends. Raises IssuerAway, Unreadable, TooLong."""
        if self._standing.position is None:
            self._prime()
        position = self._standing.resume_point()
        with self._client.feed(position) as response:
            self._reader.resumed_from = position
            parser = EventParser()
            for chunk in response.iter_bytes():
                self._take(parser.feed(chunk))
                if parser.retry_ms is not None:
                    self._retry_seconds = max(0.02, parser.retry_ms / 1000)
                if self._closed.is_set():
                    return

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self._reader.take(event)


def _integer(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if not _jws.is_time(value):
        raise Unreadable(f"{name} is no integer")
    return int(str(value))


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Unreadable("not a list of texts")
    return value
