"""The verifier of a service: says who calls, or what to answer instead. Offline once it has started.

The way of one request: token, proof, state of the credential, scope, replay, limit. What waits for
the network is yielded as a job, so that the same steps serve threads and event loops.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_passport import _base64, _jws
from agent_passport._call import Call, make_call, read_token
from agent_passport._credential import Credential, Kind, bad_token, read_credential
from agent_passport._errors import ConfigurationError
from agent_passport._feed import EventReader, FeedThread
from agent_passport._flow import check_issuer
from agent_passport._issuer_client import USAGE_SCOPES, IssuerClient
from agent_passport._jwk import BadSignature
from agent_passport._keeper import Keeper
from agent_passport._keyset import KeySet
from agent_passport._limits import Allowance, Job, Limiter
from agent_passport._nonces import Nonces
from agent_passport._proofs import REMEMBER_SECONDS, Proof, check_proof, new_nonce
from agent_passport._refusals import Refusal, Refused, answer
from agent_passport._replay import MemoryReplay, ReplayStore, ReplayUnavailable
from agent_passport._standing import Outage, Standing, Verdict
from agent_passport._state_folder import StateFolder
from agent_passport._target import normalise
from agent_passport._token_cache import TokenCache
from agent_passport._usage import Outcome, Told, Usage, outcome_of

_RESTRICTED: Mapping[Verdict, str] = {
    Verdict.REVOKED: "the passport was revoked",
    Verdict.SUSPENDED: "the passport is suspended",
    Verdict.DENIED: "an agent in whose name the token acts is denied",
    Verdict.TOKEN_REVOKED: "the token was revoked",
    Verdict.OUT_OF_RANGE: "the status of the token is outside its list",
}


@dataclass(frozen=True, slots=True)
class Verified:
    """Who calls, and what they may."""

    agent: str
    subject: str
    """The agent again, or a user for whom it acts."""
    account: str | None
    """Pairwise: the same account has another name at another service."""
    scopes: frozenset[str]
    claims: Mapping[str, Any]
    allowance: Allowance | None
    """What is left of the limit; None where none was asked for."""
    scope: str | None = None
    """The one that was asked for."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """To add to the answer: the RateLimit fields."""
        return self.allowance.headers() if self.allowance else []


_Steps = Generator[Job, None, Verified]


class Verifier:
    """One for each service process. Safe to share between threads and event loops.

    ``audience`` is the service's URI at the issuer. ``base_url`` is where agents reach it, and the
    ``htu`` of their proofs is compared with; it defaults to ``audience`` and is never taken from
    the ``Host`` header. With ``client_id`` and ``client_secret`` the verifier follows the event
    feed (refusals within a second) and takes units; without, it fetches status lists.
    ``state`` is a folder that lets it start while the issuer is away.

    ``outage`` says how long it goes on when it can hear neither feed nor lists: ``"ttl"``, until
    what it knows is as old as a list may get (60 s); ``"exp"``, until the lists end (300 s).
    Afterwards it refuses with 503.

    With credentials, what agents used is told to the issuer in the background, unless ``usage`` is
    False; that needs the scope ``usage.write``.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        base_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        state: str | os.PathLike[str] | None = None,
        replay: ReplayStore | None = None,
        outage: Outage = "ttl",
        require_proof: bool = True,
        require_nonce: bool = False,
        limits: bool = True,
        usage: bool = True,
        timeout_seconds: float = 5.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if outage not in ("ttl", "exp"):
            raise ConfigurationError("outage is ttl or exp", cure="Leave it out for ttl")
        self._kind = Kind(check_issuer(issuer), audience)
        self._base_url = _base(base_url or audience)
        self._credentials = client_id, client_secret
        self._state = Path(state) if state else None
        self._replay: ReplayStore = MemoryReplay() if replay is None else replay
        self._outage: Outage = outage
        self._require_proof, self._require_nonce = require_proof, require_nonce
        self._has_limits, self._timeout = limits, timeout_seconds
        self._reports_usage = usage and client_id is not None and client_secret is not None
        self._clock, self._monotonic = clock, monotonic
        self._nonces = Nonces(_nonce_secret(client_secret, audience))
        self._start_lock = threading.Lock()
        self._tokens = TokenCache()
        self._set_up()

    def _set_up(self) -> None:
        self._pid = 0
        self._keys, self._standing = KeySet(), Standing(self._monotonic)
        self._client = IssuerClient(self._kind.issuer, *self._credentials, self._timeout)
        folder = StateFolder(self._state, self._kind.issuer) if self._state else None
        self._keeper = Keeper(
            self._client, self._keys, self._standing, folder, clock=self._clock, monotonic=self._monotonic
        )
        self._limiter = Limiter(self._client, self._monotonic)
        self._feed: FeedThread | None = None
        self._usage_client = IssuerClient(
            self._kind.issuer, *self._credentials, self._timeout, scopes=USAGE_SCOPES
        )
        self._usage = Usage(
            lambda report: Told(*self._usage_client.post_usage(report)),
            clock=self._clock,
            monotonic=self._monotonic,
        )

    # Life.

    def start(self) -> "Verifier":
        """Begin to follow the issuer. Called by the first check, and again after a fork."""
        with self._start_lock:
            if self._pid == os.getpid():
                return self
            if self._pid:
                # The threads and sockets of the parent did not come along.
                self._set_up()
            self._pid = os.getpid()
            self._keeper.start()
            if self._client.has_credentials:
                reader = EventReader(
                    self._kind.issuer,
                    self._standing,
                    is_ours=self._keeper.is_ours,
                    verify=self._keeper.verify,
                    on_keys=self._keeper.want_keys,
                    on_lists=self._keeper.want_lists,
                )
                self._feed = FeedThread(self._client, self._standing, reader, self._keeper.prime)
                self._feed.start()
        return self

    def close(self) -> None:
        """Stop the threads and write down what is known. A later check starts anew."""
        with self._start_lock:
            if self._pid != os.getpid():
                return
            if self._feed is not None:
                self._feed.close()
            self._usage.close()
            self._keeper.close()
            self._client.close()
            self._usage_client.close()
            self._set_up()

    def __enter__(self) -> "Verifier":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_live(self) -> bool:
        """The event feed is heard: what is revoked is refused within a second."""
        return self._standing.is_live

    @property
    def is_ready(self) -> bool:
        """It has the issuer's keys, and every list that it knows of."""
        lists = list(self._standing.lists.values())
        return self._keys.is_usable(self._clock()) and all(tracked.held is not None for tracked in lists)

    @property
    def usage(self) -> Usage:
        """What is told to the issuer of each call; a service may add to it."""
        return self._usage

    # Asked by services.

    def check(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        *,
        scope: str | None = None,
        cost: int = 1,
        form: bytes = b"",
        address: str | None = None,
    ) -> Verified | Refusal:
        """Who calls, or what to answer. Never raises for anything that a request holds.

        ``target`` is the path with its query, percent-encoded as it came; ``headers`` every field,
        repeated ones too. ``scope`` is needed for this route and is what ``cost`` units are taken
        of; None: any good token will do and nothing is taken. ``address`` is the caller's, where the
        service knows it: its /24 or /48 goes into the report of usage.
        """
        self._ensure_started()
        steps = self._steps(make_call(method, target, headers, form), scope, cost, address)
        try:
            while True:
                next(steps)()
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except Refused as refused:
            return self.refuse(refused)

    async def acheck(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        *,
        scope: str | None = None,
        cost: int = 1,
        form: bytes = b"",
        address: str | None = None,
    ) -> Verified | Refusal:
        """The same in an event loop, which goes on while something is fetched."""
        self._ensure_started()
        steps = self._steps(make_call(method, target, headers, form), scope, cost, address)
        try:
            while True:
                await asyncio.to_thread(next(steps))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except Refused as refused:
            return self.refuse(refused)

    def _ensure_started(self) -> None:
        if self._pid != os.getpid():
            self.start()

    def refuse(self, refused: Refused) -> Refusal:
        """The answer of this service for a rule that said no. For middleware."""
        return answer(refused, issuer=self._kind.issuer, bearer=not self._require_proof)

    # The steps.

    def _steps(self, call: Call, scope: str | None, cost: int, address: str | None) -> _Steps:
        now = self._clock()
        token, as_dpop = read_token(call)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        credential = yield from self._read(token, digest, now)
        credential.check_time(now)
        try:
            proof = self._check_binding(call, credential, as_dpop, digest, now)
            verified = yield from self._judge(credential, proof, scope, cost, now)
        except Refused as refused:
            self._count(credential, scope, 0, outcome_of(refused.code, refused.reason), address)
            raise
        self._count(credential, scope, cost if scope is not None else 0, "allowed", address)
        return verified

    def _judge(
        self, credential: Credential, proof: Proof | None, scope: str | None, cost: int, now: float
    ) -> _Steps:
        """State, scope, replay, limit, in this order: a refused call takes no unit."""
        yield from self._check_state(credential)
        if scope is not None and scope not in credential.scopes:
            raise Refused("insufficient_scope", f"the scope {scope} is needed", scope=scope)
        if proof is not None:
            yield from self._spend(proof, now)
        allowance = None
        if scope is not None and self._has_limits:
            allowance = yield from self._limiter.take(credential, scope, cost)
        claims = credential.claims
        return Verified(
            credential.agent, claims["sub"], credential.account, credential.scopes, claims, allowance, scope
        )

    def _count(
        self, who: Credential, scope: str | None, units: int, outcome: Outcome | None, address: str | None
    ) -> None:
        if self._reports_usage and outcome is not None:
            self._usage.record(who, scope=scope, units=units, outcome=outcome, address=address)

    def _read(self, token: str, digest: bytes, now: float) -> Generator[Job, None, Credential]:
        """The token, its signature checked now or before. Its key must still be the issuer's."""
        if not self._keys.is_usable(now):
            yield self._keeper.fetch_keys
            if not self._keys.is_usable(self._clock()):
                raise _unavailable("the keys of the issuer are not known")
        held = self._tokens.find(digest)
        if held is not None and self._keys.find(held.kid) is not None:
            return held
        try:
            jws = _jws.parse(token, max_bytes=_jws.TOKEN_BYTES)
            if jws.typ != self._kind.typ:
                raise bad_token(f"typ is not {self._kind.typ}")
            if self._keys.find(jws.kid) is None:
                yield self._keeper.fetch_keys_for_unknown_kid
            self._keys.verify(jws)
        except (_jws.Malformed, BadSignature, ValueError) as error:
            raise bad_token(str(error)) from error
        credential = read_credential(jws, self._kind)
        credential.check_time(now)
        self._tokens.keep(digest, credential, now)
        return credential

    def _check_binding(
        self, call: Call, credential: Credential, as_dpop: bool, digest: bytes, now: float
    ) -> Proof | None:
        """DPOP-15 to DPOP-17. None for an unbound token, where the service takes such."""
        if credential.thumbprint is None:
            if as_dpop or self._require_proof:
                raise bad_token("the token is not bound to a key")
            return None
        if not as_dpop:
            raise bad_token("a bound token is sent under the scheme DPoP")
        values = call.values("dpop")
        if not values:
            raise bad_token("the proof is missing")
        proof = check_proof(
            values,
            method=call.method,
            url=self._base_url + call.path,
            token_hash=_base64.encode(digest),
            now=now,
            nonces=self._nonces,
            nonce_required=self._require_nonce,
        )
        if not hmac.compare_digest(proof.thumbprint.encode(), credential.thumbprint.encode()):
            raise bad_token("the proof is by another key than that of the token")
        return proof

    def _check_state(self, credential: Credential) -> Generator[Job, None, None]:
        verdict = self._standing.judge(credential, self._clock(), self._outage)
        if verdict is Verdict.UNKNOWN:
            if not self._keeper.is_ours(credential.list_uri):
                raise bad_token("the status list is outside the origin of the issuer", "status_invalid")
            yield lambda: self._keeper.fetch_list(credential.list_uri)
            verdict = self._standing.judge(credential, self._clock(), self._outage)
        if verdict is Verdict.UNKNOWN:
            raise _unavailable("the issuer cannot be asked, and what is known is too old")
        if verdict is not Verdict.GOOD:
            raise bad_token(_RESTRICTED[verdict], verdict.value)

    def _spend(self, proof: Proof, now: float) -> Generator[Job, None, None]:
        since = self._replay.complete_since
        if since is not None and proof.issued_at < since and not proof.has_nonce:
            raise new_nonce(self._nonces, now, "the proof is older than this process")
        first: list[bool] = []

        def spend() -> None:
            # What is raised in a job would not reach the steps that wait for it.
            with suppress(ReplayUnavailable):
                first.append(self._replay.spend(proof.replay_key, REMEMBER_SECONDS))

        if self._replay.blocking:
            yield spend
        else:
            spend()
        if not first:
            raise _unavailable("it cannot be said whether the proof is new")
        if not first[0]:
            raise Refused("invalid_dpop_proof", "the proof was used before")


def _unavailable(description: str) -> Refused:
    return Refused("status_unavailable", description, headers=[("Retry-After", "1")])


def _base(url: str) -> str:
    try:
        return normalise(url).rstrip("/")
    except ValueError as error:
        raise ConfigurationError(
            "the service's own address is not known", cure="Give base_url: where agents reach the service"
        ) from error


def _nonce_secret(client_secret: str | None, audience: str) -> bytes:
    """The same in all processes of a service that has a secret, so that each knows the others' nonces."""
    if client_secret is None:
        return secrets.token_bytes(32)
    return hmac.new(client_secret.encode(), b"agent-passport nonce " + audience.encode(), "sha256").digest()
