"""Limits at a service: blocks of units from the issuer, spent locally; a bound of one's own when it is away.

A block is asked for when the last is spent or over: as many units as the last tenth of a second
used, so that little is lost when the calls stop. What is left of a block after its life is lost.
"""

import logging
import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_passport._credential import Credential, bad_token
from agent_passport._gcra import Decision, Rate, decide
from agent_passport._issuer_client import IssuerAway, IssuerClient
from agent_passport._jws import is_time
from agent_passport._refusals import Refused

log = logging.getLogger("agent_passport")

Job = Callable[[], None]
"""Something that waits for the network: done in place by threads, in a thread by event loops."""

Policy = tuple[str, int, int, int, int]
"""Name, quota, window in seconds, remaining, seconds until there is more."""

BLOCK_UNITS = 64
BUCKETS = 100_000
_BELIEVED_SECONDS = 1.0
"""A refusal is repeated locally no longer than this: the limit may have been lifted."""
_AWAY_SECONDS = 1.0
_ROUNDS = 8
_DEFAULT_QUOTA, _DEFAULT_WINDOW = 60, 60
"""While the issuer is away, for a token whose ``limits`` say nothing about the scope."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after this call."""

    policies: tuple[Policy, ...]
    degraded: bool
    """Decided here alone, because the issuer could not be asked."""

    def headers(self) -> list[tuple[str, str]]:
        """RateLimit fields, draft-ietf-httpapi-ratelimit-headers."""
        if not self.policies:
            return []
        policy = ", ".join(f'"{name}";q={q};w={w}' for name, q, w, _, _ in self.policies)
        limit = ", ".join(f'"{name}";r={r};t={t}' for name, _, _, r, t in self.policies)
        return [("RateLimit-Policy", policy), ("RateLimit", limit)]


@dataclass(slots=True)
class _Bucket:
    """Units held for one agent and scope."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    fetching: threading.Lock = field(default_factory=threading.Lock)
    units: int = 0
    until: float = 0.0
    policies: tuple[Policy, ...] = ()
    refused_until: float = 0.0
    retry_at: float = 0.0
    reason: str = ""
    spent: deque[float] = field(default_factory=lambda: deque(maxlen=BLOCK_UNITS))
    waiting: int = 0
    tats_us: dict[str, int] = field(default_factory=dict)


class Limiter:
    def __init__(self, client: IssuerClient, monotonic: Callable[[], float]) -> None:
        self._client, self._monotonic = client, monotonic
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._away_until = float("-inf")

    def take(self, credential: Credential, scope: str, cost: int) -> Generator[Job, None, Allowance]:
        """Yields what has to be waited for. Raises Refused: over the limit, or restricted."""
        bucket = self._bucket(credential.agent, scope)
        for _ in range(_ROUNDS):
            if not self._client.has_credentials or self._monotonic() < self._away_until:
                break
            if allowance := self._spend(bucket, cost):
                return allowance
            self._check_refused(bucket)
            yield lambda: self._refill(bucket, credential.agent, scope, cost)
        return self._decide_alone(bucket, credential, scope, cost)

    def _bucket(self, agent: str, scope: str) -> _Bucket:
        with self._lock:
            bucket = self._buckets.setdefault((agent, scope), _Bucket())
            self._buckets.move_to_end((agent, scope))
            if len(self._buckets) > BUCKETS:
                self._buckets.popitem(last=False)
            return bucket

    def _spend(self, bucket: _Bucket, cost: int) -> Allowance | None:
        now = self._monotonic()
        with bucket.lock:
            if now >= bucket.until or bucket.units < cost:
                return None
            bucket.units -= cost
            bucket.spent.append(now)
            left = bucket.units
            policies = tuple((name, q, w, min(q, r + left), t) for name, q, w, r, t in bucket.policies)
        return Allowance(policies, degraded=False)

    def _check_refused(self, bucket: _Bucket) -> None:
        now = self._monotonic()
        with bucket.lock:
            refused, reason = now < bucket.refused_until, bucket.reason
            seconds, policies = bucket.retry_at - now, bucket.policies
        if refused and reason:
            raise bad_token("the agent is restricted", reason)
        if refused:
            raise over_limit(seconds, policies)

    def _refill(self, bucket: _Bucket, agent: str, scope: str, cost: int) -> None:
        with bucket.lock:
            bucket.waiting += cost
        try:
            with bucket.fetching:
                if self._is_answered(bucket, cost):
                    return
                self._ask(bucket, agent, scope, self._demand(bucket, cost))
        finally:
            with bucket.lock:
                bucket.waiting -= cost

    def _is_answered(self, bucket: _Bucket, cost: int) -> bool:
        """Another caller has asked while we waited for our turn."""
        now = self._monotonic()
        with bucket.lock:
            return (bucket.units >= cost and now < bucket.until) or now < max(
                bucket.refused_until, self._away_until
            )

    def _demand(self, bucket: _Bucket, cost: int) -> int:
        now = self._monotonic()
        with bucket.lock:
            recent = sum(1 for at in bucket.spent if now - at <= 0.1)
            held = bucket.units if now < bucket.until else 0
            return max(cost - held, min(BLOCK_UNITS, max(bucket.waiting, recent)))

    def _ask(self, bucket: _Bucket, agent: str, scope: str, units: int) -> None:
        try:
            answer = self._client.take_units(agent, scope, units)
            granted, life_ms = _count(answer, "granted"), _count(answer, "expires_in_ms", 1000)
            policies = _policies(answer.get("policies", []))
        except (IssuerAway, ValueError) as error:
            log.warning("limits_degraded error=%s", error)
            self._away_until = self._monotonic() + _AWAY_SECONDS
            return
        now = self._monotonic()
        with bucket.lock:
            bucket.policies = policies or bucket.policies
            if granted:
                bucket.units = granted + (bucket.units if now < bucket.until else 0)
                bucket.until = now + life_ms / 1000
                return
            wait = answer.get("retry_after")
            seconds = float(wait) if isinstance(wait, (int, float)) and wait > 0 else 1.0
            bucket.reason = _reason(answer.get("reason"))
            bucket.retry_at = now + seconds
            bucket.refused_until = now + min(seconds, _BELIEVED_SECONDS)

    def _decide_alone(self, bucket: _Bucket, credential: Credential, scope: str, cost: int) -> Allowance:
        """All policies of the token for this scope must let it pass; then all are charged."""
        rates = rates_of(credential.claims.get("limits"), scope)
        now_us = int(self._monotonic() * 1_000_000)
        with bucket.lock:
            decided = [
                (rate, decide(rate, cost=cost, tat_us=bucket.tats_us.get(rate.name, 0), now_us=now_us))
                for rate in rates
            ]
            wait_us = max(decision.retry_after_us for _, decision in decided)
            if wait_us == 0:
                bucket.tats_us = {rate.name: decision.tat_us for rate, decision in decided}
        policies = tuple(_left(rate, decision, now_us) for rate, decision in decided)
        if wait_us:
            raise over_limit(wait_us / 1_000_000, policies)
        return Allowance(policies, degraded=True)


def over_limit(seconds: float, policies: Sequence[Policy]) -> Refused:
    """429 with all that RFC 9110 section 10.2.3 and the RateLimit fields say about when to come back."""
    violated = [name for name, _, _, remaining, _ in policies if remaining == 0]
    wait = max(1, math.ceil(seconds))
    headers = [("Retry-After", str(wait)), *Allowance(tuple(policies), degraded=False).headers()]
    return Refused(
        "rate_limited",
        f"the limit is reached, come back in {wait} s",
        headers=headers,
        violated=violated or [name for name, *_ in policies],
    )


def rates_of(claim: object, scope: str) -> list[Rate]:
    """From the ``limits`` claim; a bound of our own where it says nothing about the scope."""
    entries = [entry for entry in claim if isinstance(entry, dict)] if isinstance(claim, list) else []
    rates = [
        Rate(str(entry.get("policy")), entry["q"], entry["w"])
        for entry in entries
        if entry.get("scope") == scope and _is_positive(entry.get("q")) and _is_positive(entry.get("w"))
    ]
    return rates or [Rate("local", _DEFAULT_QUOTA, _DEFAULT_WINDOW)]


def _left(rate: Rate, decision: Decision, now_us: int) -> Policy:
    reset_us = decision.retry_after_us or max(0, decision.tat_us - now_us)
    return rate.name, rate.quota, rate.window_seconds, decision.remaining, math.ceil(reset_us / 1_000_000)


def _policies(found: object) -> tuple[Policy, ...]:
    if not isinstance(found, list):
        raise ValueError("policies are malformed")
    return tuple(_policy(policy) for policy in found)


def _policy(found: Mapping[str, Any]) -> Policy:
    name = _name(found)
    return name, _count(found, "q"), _count(found, "w"), _count(found, "r"), _count(found, "t")


def _name(policy: Mapping[str, Any]) -> str:
    """As it may stand in a structured field string (RFC 9651 section 3.3.3)."""
    name = policy.get("name") if isinstance(policy, dict) else None
    if not isinstance(name, str) or not name.isascii() or not name.isprintable() or set(name) & {'"', "\\"}:
        raise ValueError("a policy has no name")
    return name


def _count(found: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = found.get(name, default)
    if isinstance(value, float):
        value = math.ceil(value)
    if not is_time(value):
        raise ValueError(f"{name} is no count")
    return int(str(value))


def _is_positive(value: object) -> bool:
    return is_time(value) and value != 0


def _reason(value: object) -> str:
    """Of our own words only: it goes into a URL and to the caller."""
    known = {"suspended": "agent_suspended", "revoked": "agent_revoked", "unknown": "agent_unknown"}
    return known.get(value, "agent_restricted") if isinstance(value, str) and value != "rate_limited" else ""
