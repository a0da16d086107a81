"""The agent: holds the key, keeps the passport, and has an access token ready for each service."""

import asyncio
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from ssl import SSLContext
from types import TracebackType

import httpx

from agent_passport._clock import IssuerClock
from agent_passport._device import Asked, ask_a_person, wait_for_the_person
from agent_passport._errors import AgentPassportError, ConfigurationError, PassportRefused
from agent_passport._flow import Flow, arun, check_issuer, run
from agent_passport._grants import Held, Session, act_for, exchange, obtain_passport
from agent_passport._keys import AgentKey
from agent_passport._passport_store import PassportStore
from agent_passport._single_flight import SingleFlight

log = logging.getLogger("agent_passport")

TOKENS_HELD = 1024
"""Access tokens kept at once; the longest unused one makes room. An agent of many services has dozens."""

_TOKEN_MARGIN_SECONDS = 30.0
_PASSPORT_RENEWED_AT = 0.8
"""Of its life: a passport of 30 days is renewed six days before its end, time enough for an outage."""
_RENEWAL_PAUSE_SECONDS = 60.0
_NOT_MENDED_BY_A_NEW_PASSPORT = frozenset({"passport_suspended", "account_suspended", "key_revoked"})


@dataclass(frozen=True, slots=True)
class _Once:
    """Work that is done by one caller for all who ask for the same."""

    key: Hashable
    make: Callable[[], Flow[Held]]


_Steps = Generator[_Once, Held, Held]


class Agent:
    """One agent at one issuer. Safe to share between threads and event loops.

    ``state`` is a folder for the passport; without it a new one is obtained at each start.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        key: AgentKey | str | os.PathLike[str],
        *,
        state: str | os.PathLike[str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        loaded = key if isinstance(key, AgentKey) else AgentKey.load(key)
        self._session = Session(check_issuer(issuer), client_id, loaded, IssuerClock())
        self._store = PassportStore(Path(state) if state else None, self._session)
        self._timeout = timeout_seconds
        self._flights: SingleFlight[Held] = SingleFlight()
        self._lock = threading.Lock()
        self._tokens: OrderedDict[Hashable, Held] = OrderedDict()
        self._passport = self._store.load()
        self._no_renewal_before = 0.0
        self._nonces: OrderedDict[str, str] = OrderedDict()

    @classmethod
    def from_environment(cls) -> "Agent":
        """From AGENT_PASSPORT_ISSUER, _CLIENT_ID, _KEY (a file), and _STATE (a folder, optional)."""
        values = {}
        for name in ("ISSUER", "CLIENT_ID", "KEY"):
            values[name] = os.environ.get(f"AGENT_PASSPORT_{name}", "")
            if not values[name]:
                raise ConfigurationError(
                    f"AGENT_PASSPORT_{name} is not set", cure="Set it in the environment"
                )
        state = os.environ.get("AGENT_PASSPORT_STATE") or None
        return cls(values["ISSUER"], values["CLIENT_ID"], values["KEY"], state=state)

    def __repr__(self) -> str:
        return f"<Agent {self.client_id} at {self.issuer}>"

    @property
    def issuer(self) -> str:
        return self._session.issuer

    @property
    def client_id(self) -> str:
        return self._session.client_id

    @property
    def key(self) -> AgentKey:
        return self._session.key

    @property
    def clock(self) -> IssuerClock:
        """The issuer's time, as far as its answers have told it."""
        return self._session.clock

    def passport(self) -> Held:
        """The passport, renewed when its time has come. Raises AgentPassportError."""
        return self._carry_out(self._passport_steps())

    async def apassport(self) -> Held:
        return await self._acarry_out(self._passport_steps())

    def renew(self) -> Held:
        """A new passport now. Raises AgentPassportError."""
        return self._carry_out(self._renewal_steps(self._passport))

    async def arenew(self) -> Held:
        return await self._acarry_out(self._renewal_steps(self._passport))

    def token(self, audience: str, scope: str | Iterable[str] = ()) -> Held:
        """An access token for this service, from the cache or by exchange. Raises AgentPassportError.

        Without scopes: all that the passport holds and the service offers.
        """
        return self._carry_out(self._token_steps(audience, scopes_of(scope)))

    async def atoken(self, audience: str, scope: str | Iterable[str] = ()) -> Held:
        return await self._acarry_out(self._token_steps(audience, scopes_of(scope)))

    def act_for(self, handed_on: str, audience: str, scope: str | Iterable[str] = ()) -> Held:
        """A token by which this agent acts on, for whom another agent's access token was issued.

        ``act`` then names this agent (RFC 8693 section 4.1); the owner must have allowed it. Not
        cached: ``handed_on`` is another's. Raises AgentPassportError.
        """
        passport = self.passport().value
        return run(act_for(self._session, handed_on, passport, audience, scopes_of(scope)), self._client)

    async def aact_for(self, handed_on: str, audience: str, scope: str | Iterable[str] = ()) -> Held:
        passport = (await self.apassport()).value
        return await self._arun(act_for(self._session, handed_on, passport, audience, scopes_of(scope)))

    def log_in(self, audience: str, scope: str | Iterable[str], show: Callable[[Asked], None]) -> Held:
        """A token for a person who says yes on a page of the issuer (RFC 8628); waits until they decided.

        ``show`` is told the page and the code. The token is not kept. Raises AgentPassportError.
        """
        asked = run(ask_a_person(self._session, audience, scopes_of(scope)), self._client)
        show(asked)
        return run(wait_for_the_person(self._session, asked), self._client)

    def forget(self, token: Held) -> None:
        """Use this access token no more: a service refused it before its time."""
        with self._lock:
            for key in [key for key, held in self._tokens.items() if held.value == token.value]:
                del self._tokens[key]

    def nonce_for(self, origin: str) -> str | None:
        return self._nonces.get(origin)

    def learn_nonce(self, origin: str, nonce: str) -> None:
        """The ``DPoP-Nonce`` of a service, for the next proof to it (RFC 9449 section 9)."""
        with self._lock:
            self._nonces[origin] = nonce
            self._nonces.move_to_end(origin)
            if len(self._nonces) > TOKENS_HELD:
                self._nonces.popitem(last=False)

    def close(self) -> None:
        """Close idle connections. The agent can be used again."""
        if client := self.__dict__.pop("_client", None):
            client.close()

    def __enter__(self) -> "Agent":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What is done, step by step, the same for threads and event loops.

    def _passport_steps(self) -> _Steps:
        held, now = self._passport, self.clock.now()
        if held is None or now >= held.expires_at:
            return (yield _Once("passport", lambda: self._obtain(held)))
        due = held.received_at + _PASSPORT_RENEWED_AT * (held.expires_at - held.received_at)
        if now < max(due, self._no_renewal_before):
            return held
        try:
            return (yield _Once("passport", lambda: self._obtain(held)))
        except AgentPassportError as error:
            # The old one is good for days yet. Whether it still counts is for the exchange to say.
            log.warning("passport_renewal_failed client_id=%s error=%s", self.client_id, error.code)
            self._no_renewal_before = now + _RENEWAL_PAUSE_SECONDS
            return held

    def _renewal_steps(self, old: Held | None) -> _Steps:
        return (yield _Once("passport", lambda: self._obtain(old)))

    def _token_steps(self, audience: str, scopes: frozenset[str]) -> _Steps:
        key = (audience, scopes)
        if held := self._fresh_token(key):
            return held
        passport = yield from self._passport_steps()
        try:
            return (yield _Once(key, lambda: self._exchange(passport, audience, scopes)))
        except PassportRefused as refusal:
            if refusal.reason in _NOT_MENDED_BY_A_NEW_PASSPORT:
                raise
        # Revoked with the key that had signed it, or lapsed: possession of our key earns a new one.
        renewed = yield from self._renewal_steps(passport)
        return (yield _Once(key, lambda: self._exchange(renewed, audience, scopes)))

    def _obtain(self, old: Held | None) -> Flow[Held]:
        current = self._passport
        if current is not None and current is not old:
            return current
        held = yield from obtain_passport(self._session)
        self._passport = held
        self._save(held)
        return held

    def _save(self, held: Held) -> None:
        try:
            self._store.save(held)
        except OSError as error:
            # It is held in memory; only the next start has to ask again.
            log.warning("passport_not_saved client_id=%s error=%s", self.client_id, type(error).__name__)

    def _exchange(self, passport: Held, audience: str, scopes: frozenset[str]) -> Flow[Held]:
        key = (audience, scopes)
        # Somebody may have landed with it between our look and our taking off.
        if held := self._fresh_token(key):
            return held
        held = yield from exchange(self._session, passport.value, audience, scopes)
        with self._lock:
            self._tokens[key] = held
            if len(self._tokens) > TOKENS_HELD:
                self._tokens.popitem(last=False)
        return held

    def _fresh_token(self, key: Hashable) -> Held | None:
        with self._lock:
            held = self._tokens.get(key)
            if held is None:
                return None
            self._tokens.move_to_end(key)
        margin = min(_TOKEN_MARGIN_SECONDS, 0.1 * (held.expires_at - held.received_at))
        return held if self.clock.now() < held.expires_at - margin else None

    # Carrying it out.

    def _carry_out(self, steps: _Steps) -> Held:
        error: AgentPassportError | None = None
        held: Held | None = None
        while True:
            try:
                once = steps.throw(error) if error else steps.send(held)  # type: ignore[arg-type]
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            held = error = None
            try:
                held = self._flights.do(once.key, lambda once=once: run(once.make(), self._client))  # type: ignore[misc]
            except AgentPassportError as refused:
                error = refused

    async def _acarry_out(self, steps: _Steps) -> Held:
        error: AgentPassportError | None = None
        held: Held | None = None
        while True:
            try:
                once = steps.throw(error) if error else steps.send(held)  # type: ignore[arg-type]
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            held = error = None
            try:
                held = await self._flights.ado(once.key, lambda once=once: self._arun(once.make()))  # type: ignore[misc]
            except AgentPassportError as refused:
                error = refused

    async def _arun(self, flow: Flow[Held]) -> Held:
        # A pool would belong to one event loop; there is one exchange in minutes.
        tls = await asyncio.to_thread(lambda: self._tls)
        async with httpx.AsyncClient(timeout=self._timeout, verify=tls) as client:
            return await arun(flow, client)

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=self._timeout, verify=self._tls)

    @cached_property
    def _tls(self) -> SSLContext:
        return httpx.create_ssl_context()


def scopes_of(scope: str | Iterable[str]) -> frozenset[str]:
    """Scopes as a set, from a string with spaces (RFC 6749 section 3.3) or one by one."""
    return frozenset(scope.split() if isinstance(scope, str) else scope)
