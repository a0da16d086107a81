"""Fetching: keys, lists, and the state on disk. By requests when they lack something, and by a thread.

Each thing is fetched by one caller at a time, and not again at once after it failed: a request
that cannot be decided is refused quickly instead of joining a queue before a dead server.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent_passport import _jws
from agent_passport._issuer_client import IssuerAway, IssuerClient
from agent_passport._keyset import KeySet
from agent_passport._standing import Standing
from agent_passport._state_folder import StateFolder, load
from agent_passport._status_list import BadList, StatusList, read_list
from agent_passport._target import origin_of

log = logging.getLogger("agent_passport")

UNKNOWN_KID_SECONDS = 30.0
"""A token with a made-up ``kid`` causes no more than this (jose's interval)."""
KEYS_SECONDS = 300.0
"""``max-age`` of the key set."""
_FAILED_SECONDS = 1.0
_MARGIN_SECONDS = 10.0
_LOOK_SECONDS = 0.25
_SAVE_SECONDS = 1.0


class Keeper:
    def __init__(
        self,
        client: IssuerClient,
        keys: KeySet,
        standing: Standing,
        folder: StateFolder | None,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._client, self._keys, self._standing, self._folder = client, keys, standing, folder
        self._clock, self._monotonic = clock, monotonic
        self._issuer = client.issuer
        self._origin = origin_of(client.issuer)
        self._locks: dict[str, threading.Lock] = {}
        self._not_before: dict[str, float] = {}
        self._saved_at = float("-inf")
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._keys_wanted = False
        self._thread = threading.Thread(target=self._run, name="agent-passport-keeper", daemon=True)
        if folder is not None:
            self._load(folder)

    # Asked by requests; these wait for the network.

    def fetch_keys(self) -> None:
        """Fetch the key set, unless that failed just now. Never raises."""
        with self._alone("keys") as allowed:
            if allowed:
                self._fetch_keys()

    def fetch_keys_for_unknown_kid(self) -> None:
        with self._alone("unknown kid") as allowed:
            if allowed:
                self._not_before["unknown kid"] = self._monotonic() + UNKNOWN_KID_SECONDS
                self._fetch_keys()

    def fetch_list(self, uri: str) -> None:
        """Fetch one list, unless that failed just now. Never raises."""
        with self._alone(uri) as allowed:
            if allowed:
                self._fetch_list(uri)

    def prime(self) -> None:
        """Every list that the issuer has. Raises IssuerAway when it does not say which."""
        if not self._keys.is_usable(self._clock()):
            self.fetch_keys()
        for uri in self._client.list_uris():
            if self.is_ours(uri):
                self.fetch_list(uri)

    def is_ours(self, uri: str) -> bool:
        """Only lists of the issuer's own origin are ever fetched (SL-06)."""
        try:
            return origin_of(uri) == self._origin
        except ValueError:
            return False

    def verify(self, jws: _jws.Jws) -> None:
        """A signature of the issuer; its keys are fetched anew when this one is new. Raises ValueError."""
        if self._keys.find(jws.kid) is None:
            self.fetch_keys_for_unknown_kid()
        self._keys.verify(jws)

    # Told by the feed.

    def want_keys(self) -> None:
        self._keys_wanted = True
        self._wake.set()

    def want_lists(self) -> None:
        self._wake.set()

    # Life.

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._folder is not None:
            self._folder.save_standing(self._standing)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.look_after()
            except Exception:
                # A fault of ours must not end the thread; what is not renewed is refused in its time.
                log.exception("keeper_failed")
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()

    def look_after(self) -> None:
        """One round: fetch what is due, save what changed."""
        now = self._clock()
        if self._keys_wanted or now >= self._keys.fetched_at + KEYS_SECONDS:
            self.fetch_keys()
        for uri in self._standing.to_fetch(now, _MARGIN_SECONDS):
            self.fetch_list(uri)
        self._standing.forget_expired(now)
        if self._folder is not None and self._monotonic() >= self._saved_at + _SAVE_SECONDS:
            self._saved_at = self._monotonic()
            self._folder.save_standing(self._standing)

    # How.

    @contextmanager
    def _alone(self, what: str) -> Iterator[bool]:
        """False for those who waited for another to do it, and for a while after a failure."""
        lock = self._locks.setdefault(what, threading.Lock())
        waited = lock.locked()
        with lock:
            yield not waited and self._monotonic() >= self._not_before.get(what, float("-inf"))

    def _pause(self, what: str) -> None:
        self._not_before[what] = self._monotonic() + _FAILED_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311

    def _fetch_keys(self) -> None:
        try:
            jwks, now = self._client.keys(), self._clock()
            self._keys.replace(jwks, now)
        except (IssuerAway, ValueError) as error:
            log.info("keys_not_fetched error=%s", error)
            self._pause("keys")
            return
        self._keys_wanted = False
        if self._folder is not None:
            self._folder.save_keys(jwks, now)

    def _fetch_list(self, uri: str) -> None:
        now = self._clock()
        try:
            token = self._client.status_list(uri)
            fetched = read_list(token, uri=uri, issuer=self._issuer, verify=self.verify, now=now)
        except (IssuerAway, BadList) as error:
            log.info("list_not_fetched uri=%s error=%s", uri, error)
            self._pause(uri)
            return
        taken = self._standing.install(fetched, now)
        tracked = self._standing.lists.get(uri)
        if not taken or tracked is None or tracked.is_wanting:
            # The issuer has not published what the feed announced: ask again, but not at once.
            self._pause(uri)
        if taken and self._folder is not None:
            self._folder.save_list(uri, token)

    def _load(self, folder: StateFolder) -> None:
        now = self._clock()
        if (saved := folder.load_keys()) is not None:
            try:
                self._keys.replace(*saved)
            except ValueError:
                return
        load(folder, self._standing, self._read_saved, now)

    def _read_saved(self, uri: str, token: str) -> StatusList | None:
        try:
            if not self.is_ours(uri):
                return None
            return read_list(token, uri=uri, issuer=self._issuer, verify=self._keys.verify, now=self._clock())
        except BadList as error:
            log.info("saved_list_not_used uri=%s error=%s", uri, error)
            return None
