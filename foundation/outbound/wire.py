"""Connections that end at a deadline, and lead nowhere but to addresses that were checked.

httpcore asks for a connection to a *name*; it gets one to the addresses that the caller checked
for that name, so a second look-up never happens, while TLS and ``Host`` keep the name.
"""

import select
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock by which everything must be over."""

    at: float

    def left(self) -> float:
        """Seconds, more than none. Raises TimeoutError afterwards."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left


@dataclass(frozen=True, slots=True)
class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the first of ``addresses`` that answers; the name it is asked for stays unread."""

    addresses: Sequence[str]
    deadline: Deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        for place, address in enumerate(self.addresses):
            # Each attempt gets its part of what is left, so that a silent one leaves some for the next.
            seconds = self.deadline.left() / (len(self.addresses) - place)
            try:
                connection = socket.create_connection((address, port), timeout=seconds)
            except OSError:
                continue
            return BoundedStream(connection, self.deadline)
        raise httpcore.ConnectError("no address answers")


class BoundedStream(httpcore.NetworkStream):
    """A connection of which every step ends at one deadline, however slowly the far side drips."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._connection.settimeout(self._deadline.left())
        # The timeout of sendall is for all of it.
        self._connection.sendall(buffer)

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._connection.settimeout(self._deadline.left())
        try:
            secured = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return BoundedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return bool(select.select([self._connection], [], [], 0)[0])
        return self._connection if info == "socket" else None
