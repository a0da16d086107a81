"""What a service asks its issuer: keys, lists, the feed, units. Every call is bounded in time and size."""

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

import httpx

from agent_passport import _jws
from agent_passport._protocol import (
    API_RESOURCE_PATH,
    BLOCKS_PATH,
    FEED_PATH,
    KEYS_PATH,
    LISTS_PATH,
    TOKEN_PATH,
    USAGE_PATH,
)
from agent_passport._retry import parse_retry_after
from agent_passport._standing import SILENCE_SECONDS

SCOPES = "events.read decisions.evaluate"
USAGE_SCOPES = "usage.write"
"""With a token of its own: a service that may not report can still follow and decide."""
_BLOCKS_SECONDS = 1.0
"""A request waits for this; then it is decided locally."""
_USAGE_SECONDS = 3.0
_DOCUMENT_BYTES = 1024 * 1024


class IssuerAway(Exception):
    """No answer, or none that can be used. The message holds no secret."""


class IssuerClient:
    """Safe to share between threads. ``client_id`` None: keys and lists only, which are public."""

    def __init__(
        self,
        issuer: str,
        client_id: str | None,
        client_secret: str | None,
        timeout: float,
        scopes: str = SCOPES,
    ) -> None:
        self.issuer, self._scopes = issuer, scopes
        self._client_id, self._client_secret = client_id, client_secret
        self._timeout = timeout
        self._lock = threading.Lock()
        self._token = ""
        self._token_until = 0.0

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=self._timeout, headers={"Accept-Encoding": "gzip"})

    @property
    def has_credentials(self) -> bool:
        return self._client_id is not None and self._client_secret is not None

    def keys(self) -> object:
        return self._document(KEYS_PATH)

    def list_uris(self) -> list[str]:
        found = self._document(LISTS_PATH)
        uris = found.get("status_lists") if isinstance(found, dict) else None
        if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
            raise IssuerAway("the list of status lists is malformed")
        return uris

    def status_list(self, uri: str) -> str:
        """The list as text. ``no-cache``: an answer from a store on the way could be older than asked for."""
        headers = {"Accept": "application/statuslist+jwt", "Cache-Control": "no-cache"}
        return self._get(uri, headers, _jws.LIST_BYTES).decode("utf-8", "replace").strip()

    @contextmanager
    def feed(self, position: int | None) -> Iterator[httpx.Response]:
        headers = {**self._bearer(), "Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if position is not None:
            headers["Last-Event-ID"] = str(position)
        timeout = httpx.Timeout(5.0, read=SILENCE_SECONDS)
        try:
            with self._http.stream(
                "GET", self.issuer + FEED_PATH, headers=headers, timeout=timeout
            ) as response:
                self._check(response)
                yield response
        except httpx.HTTPError as error:
            raise IssuerAway(f"feed: {type(error).__name__}") from error

    def take_units(self, sub: str, scope: str, units: int) -> Mapping[str, Any]:
        asked = {"sub": sub, "scope": scope, "units": units}
        try:
            response = self._http.post(
                self.issuer + BLOCKS_PATH, json=asked, headers=self._bearer(), timeout=_BLOCKS_SECONDS
            )
            self._check(response)
            body = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise IssuerAway(f"units: {type(error).__name__}") from error
        if not isinstance(body, dict):
            raise IssuerAway("units: the answer is malformed")
        return body

    def post_usage(self, report: bytes) -> tuple[int, float | None]:
        """Status and seconds of ``Retry-After``; status 0 where there was no answer. Never raises."""
        try:
            headers = {**self._bearer(), "Content-Type": "application/json"}
            response = self._http.post(
                self.issuer + USAGE_PATH, content=report, headers=headers, timeout=_USAGE_SECONDS
            )
        except (IssuerAway, httpx.HTTPError):
            return 0, None
        if response.status_code == 401:
            self._token_until = 0.0
        wait = parse_retry_after(response.headers.get("Retry-After"), now=time.time())
        return response.status_code, wait

    def close(self) -> None:
        if client := self.__dict__.pop("_http", None):
            client.close()

    def _document(self, path: str) -> object:
        body = self._get(self.issuer + path, {"Accept": "application/json"}, _DOCUMENT_BYTES)
        try:
            return _jws.parse_json(body)
        except _jws.Malformed as error:
            raise IssuerAway(f"{path}: {error}") from error

    def _get(self, url: str, headers: Mapping[str, str], most_bytes: int) -> bytes:
        body = bytearray()
        try:
            with self._http.stream("GET", url, headers=dict(headers)) as response:
                self._check(response)
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        raise IssuerAway("the answer is too long")
        except httpx.HTTPError as error:
            raise IssuerAway(f"{type(error).__name__}") from error
        return bytes(body)

    def _check(self, response: httpx.Response) -> None:
        if response.status_code == 401:
            # Revoked, or its signing key is gone: the next call gets a new one.
            self._token_until = 0.0
        if response.status_code != 200:
            raise IssuerAway(f"HTTP {response.status_code}")

    def _bearer(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._token_until:
                self._obtain_token()
            return {"Authorization": f"Bearer {self._token}"}

    def _obtain_token(self) -> None:
        """Client credentials by ``client_secret_basic`` (RFC 6749 sections 2.3.1 and 4.4)."""
        pair = f"{quote_plus(self._client_id or '')}:{quote_plus(self._client_secret or '')}"
        form = {
            "grant_type": "client_credentials",
            "resource": self.issuer + API_RESOURCE_PATH,
            "scope": self._scopes,
        }
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        try:
            response = self._http.post(self.issuer + TOKEN_PATH, data=form, headers=headers)
            self._check(response)
            body = response.json()
            self._token, life = str(body["access_token"]), int(body["expires_in"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise IssuerAway(f"service token: {type(error).__name__}") from error
        self._token_until = time.monotonic() + 0.8 * life
