"""The only HTTP client that leaves the house.

https only, one look-up whose every address must be public, a connection to just that address,
no redirect, no cookie, no proxy, no compression, a cap on size and on the whole time, few in
flight. What the far side says is data: the caller decides what it means.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from foundation.outbound.addresses import ForbiddenAddress, resolve

IN_FLIGHT = threading.BoundedSemaphore(10)


class OutboundError(Exception):
    """No answer that may be used. ``reason`` is one word for logs; strangers learn none of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float = 5.0
    """For all of it: look-up, connection, answer."""
    bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    secure: bool

    @property
    def name(self) -> str:
        """The value of ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


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
    deadline = time.monotonic() + limits.seconds
    if not IN_FLIGHT.acquire(timeout=limits.seconds):
        raise OutboundError("busy")
    try:
        address = _resolve(target, allow_private=allow_private)
        request = _build(method, url, target, address, headers or {}, body)
        return _send(request, deadline, limits.bytes)
    finally:
        IN_FLIGHT.release()


def _check_url(url: str, *, allow_private: bool) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as failure:
        raise OutboundError("url") from failure
    secure = parts.scheme == "https"
    if not secure and not (allow_private and parts.scheme == "http"):
        raise OutboundError("scheme")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise OutboundError("url")
    return _Target(parts.hostname, port or (443 if secure else 80), secure)


def _resolve(target: _Target, *, allow_private: bool) -> str:
    try:
        return resolve(target.host, target.port, allow_private=allow_private)
    except ForbiddenAddress as failure:
        raise OutboundError("address") from failure
    except (OSError, ValueError) as failure:
        raise OutboundError("name") from failure


def _build(
    method: str, url: str, target: _Target, address: str, headers: Mapping[str, str], body: bytes | None
) -> httpx.Request:
    """A request to the address that was checked, under the name that was asked for."""
    return httpx.Request(
        method,
        httpx.URL(url).copy_with(host=address),
        headers={
            "User-Agent": "agent-passport",
            "Accept-Encoding": "identity",
            **headers,
            "Host": target.name,
        },
        content=body,
        extensions={"sni_hostname": target.host} if target.secure else {},
    )


def _send(request: httpx.Request, deadline: float, most: int) -> Fetched:
    left = max(0.05, deadline - time.monotonic())
    request.extensions["timeout"] = httpx.Timeout(left).as_dict()
    try:
        with httpx.HTTPTransport(trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                return Fetched(response.status_code, response.headers, _read(response, deadline, most))
            finally:
                response.close()
    except httpx.TimeoutException as failure:
        raise OutboundError("timeout") from failure
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as failure:
        raise OutboundError("connection") from failure


def _read(response: httpx.Response, deadline: float, most: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutboundError("encoding")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            raise OutboundError("size")
        if time.monotonic() > deadline:
            raise OutboundError("timeout")
    return bytes(body)
