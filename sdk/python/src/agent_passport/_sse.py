"""Server-sent events from bytes as they arrive (WHATWG HTML section 9.2.6). No connection here."""

from dataclasses import dataclass

EVENT_BYTES = 8 * 1024 * 1024
"""Frames have under a kilobyte; only those of a large batch have more."""


class TooLong(ValueError):
    """An event outgrew its bound: the stream cannot be believed any further."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: str
    id: str
    """Empty when this event brought none: then the reader is not yet past its position."""


class EventParser:
    def __init__(self) -> None:
        self.retry_ms: int | None = None
        """The last ``retry:`` of the server."""
        self._pending = b""
        self._name = ""
        self._id = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completed. Raises TooLong."""
        *lines, self._pending = _lines(self._pending + chunk)
        events = [event for line in lines if (event := self._line(line))]
        if self._size + len(self._pending) > EVENT_BYTES:
            raise TooLong("an event is too long")
        return events

    def _line(self, line: bytes) -> Event | None:
        self._size += len(line)
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value[:9])
        return None

    def _dispatch(self) -> Event | None:
        data, name, id_of = self._data, self._name, self._id
        self._data, self._name, self._id, self._size = [], "", "", 0
        return Event(name or "message", "\n".join(data), id_of) if data else None


def _lines(raw: bytes) -> list[bytes]:
    # A carriage return at the very end may be half of a pair: it waits for the next chunk.
    tail = b""
    if raw.endswith(b"\r"):
        raw, tail = raw[:-1], b"\r"
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    lines[-1] += tail
    return lines
