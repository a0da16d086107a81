"""The only HTTP client that leaves the house.

https only, one look-up whose every address must be public, a connection to just those
addresses, no redirect, no cookie, no proxy, a cap on what the body comes to after
decompression and on the whole time, few in flight. What the far side says is data: the caller
decides what it means.
"""

import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import httpcore
import httpx

from foundation.outbound import conf
from foundation.outbound.lookups import ForbiddenAddress, resolve
from foundation.outbound.wire import CheckedBackend, Deadline

IN_FLIGHT = threading.BoundedSemaphore(10)
"""Of this process. Whoever waits for its turn does so within its own time."""


class OutboundError(Exception):
    """No answer that may be used. ``reason`` is one word for logs; strangers learn none of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float = 5.0
    """For all of it: waiting for a turn, look-up, connection, answer."""
    bytes: int = 64 * 1024
    """Of the body, decompressed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    headers: Mapping[str, str]
    body: bytes


KEYS = Limits(bytes=64 * 1024)
DOCUMENT = Limits(bytes=5 * 1024)


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits = KEYS,
    allow_private: bool = False,
) -> Fetched:
    """One request, one answer of any status. Raises OutboundError.

    ``allow_private`` is for addresses that the operator configured, never for one that a
    stranger named: it also admits plain http.
    """
    target = _check_url(url, allow_private=allow_private)
    deadline = Deadline(time.monotonic() + limits.seconds)
    if not IN_FLIGHT.acquire(timeout=limits.seconds):
        raise OutboundError("busy")
    try:
        backend = CheckedBackend(_addresses(target, deadline, allow_private=allow_private), deadline)
        return _send(backend, method, target, headers or {}, body, limits.bytes)
    finally:
        IN_FLIGHT.release()


def check_target(url: str, *, limits: Limits = KEYS, allow_private: bool = False) -> None:
    """The same checks without a request: one look-up. Raises OutboundError.

    For saying early what will not work; what goes out later is checked again.
    """
    target = _check_url(url, allow_private=allow_private)
    _addresses(target, Deadline(time.monotonic() + limits.seconds), allow_private=allow_private)


def _check_url(url: str, *, allow_private: bool) -> httpx.URL:
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as failure:
        raise OutboundError("url") from failure
    if target.scheme != "https" and not (allow_private and target.scheme == "http"):
        raise OutboundError("scheme")
    if not target.host or target.userinfo or target.fragment or "@" in target.netloc.decode("ascii"):
        raise OutboundError("url")
    if not 0 < _port(target) < 65536:
        raise OutboundError("url")
    return target


def _port(target: httpx.URL) -> int:
    return target.port if target.port is not None else {"https": 443, "http": 80}[target.scheme]


def _addresses(target: httpx.URL, deadline: Deadline, *, allow_private: bool) -> list[str]:
    host, port = target.raw_host.decode("ascii"), _port(target)
    trusted = f"{host}:{port}" in conf.private_hosts()
    try:
        return resolve(host, port, allow_private=allow_private or trusted, seconds=deadline.left())
    except ForbiddenAddress as failure:
        raise OutboundError("address") from failure
    except TimeoutError as failure:
        raise OutboundError("timeout") from failure
    except (OSError, ValueError) as failure:
        raise OutboundError("name") from failure


def _send(
    backend: CheckedBackend,
    method: str,
    target: httpx.URL,
    headers: Mapping[str, str],
    body: bytes | None,
    most: int,
) -> Fetched:
    sent = httpx.Headers(
        {"User-Agent": "agent-passport", "Accept-Encoding": "identity", "Connection": "close", **headers}
    )
    sent["Host"] = target.netloc.decode("ascii")
    url = httpcore.URL(
        scheme=target.raw_scheme, host=target.raw_host, port=_port(target), target=target.raw_path
    )
    try:
        with (
            httpcore.ConnectionPool(trust(conf.ca_file()), network_backend=backend) as pool,
            pool.stream(method, url, headers=sent.raw, content=body) as response,
        ):
            answered = httpx.Headers(response.headers)
            return Fetched(response.status, answered, _read(response.iter_stream(), answered, most))
    except (TimeoutError, httpcore.TimeoutException) as failure:
        raise OutboundError("timeout") from failure
    except (OSError, httpcore.NetworkError, httpcore.ProtocolError, ValueError) as failure:
        raise OutboundError("connection") from failure


@lru_cache
def trust(ca_file: str) -> ssl.SSLContext:
    """The system's authorities, and those in ``ca_file`` where the operator named one."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _read(stream: Iterator[bytes], headers: httpx.Headers, most: int) -> bytes:
    """The body as it was meant. Some servers compress unasked; what unfolds is counted, not what came."""
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise OutboundError("encoding")
    return _gather(stream if coding == "identity" else _unfold(stream, most), most)


def _gather(stream: Iterator[bytes], most: int) -> bytes:
    body = bytearray()
    for chunk in stream:
        body += chunk
        if len(body) > most:
            raise OutboundError("size")
    return bytes(body)


def _unfold(stream: Iterator[bytes], most: int) -> Iterator[bytes]:
    """RFC 1952. Never more than ``most`` and one byte at once; a part cut off is refused."""
    unfolding = zlib.decompressobj(wbits=31)
    try:
        for chunk in stream:
            yield unfolding.decompress(chunk, most + 1)
            if unfolding.unconsumed_tail:
                raise OutboundError("size")
    except zlib.error as broken:
        raise OutboundError("encoding") from broken
    if not unfolding.eof or unfolding.unused_data:
        raise OutboundError("encoding")
