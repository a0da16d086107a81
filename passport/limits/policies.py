"""Which buckets hold for an agent at a service (pure).

Of the rows with one name the account meets one: of its service's default (no scope) and the
scope's own row the stricter, each of the highest tier that its identity level reaches. An
override stands in the place of the row it names, a throttle scales what is left. Rows with
other names hold beside it. Each policy for accounts binds the whole cluster as well, where
there is one to pool.

Credential, account and cluster are charged at once; the strictest decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from attestation.levels import IDENTITY, at_least, rank
from passport.limits.buckets import Bucket, Floor, Level
from passport.limits.gcra import Rate, rate_of

TOKEN_SCOPE = "token"  # noqa: S105
"""The scope of the token endpoint itself; its policies belong to no service."""
REQUESTS, MODEL_TOKENS = "requests", "model-tokens"
"""What a policy counts. Model tokens have no registered unit: they are told in decisions only."""
POOLED = frozenset({"linked", "synchronous", "suspected", "organisation"})
"""Grades of a cluster that share one budget; a candidate is shown, never acted on."""
FLOOR_SHARE = 0.05
FLOOR_AGE = timedelta(days=90)


class PolicyRow(Protocol):
    """A row of LimitPolicy with the account's override, if it has one."""

    @property
    def id(self) -> int: ...
    @property
    def service_id(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def applies_to(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def quota(self) -> int: ...
    @property
    def window_seconds(self) -> int: ...
    @property
    def burst(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def override_quota(self) -> int | None: ...
    @property
    def override_burst(self) -> int | None: ...
    @property
    def override_until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """The same as a value."""

    id: int
    service_id: str
    """Empty for the issuer's own policies."""
    scope: str
    name: str
    applies_to: str
    tier: str
    quota: int
    window_seconds: int
    burst: int
    override_quota: int | None = None
    override_burst: int | None = None
    override_until: datetime | None = None
    unit: str = REQUESTS


DEFAULTS: tuple[PolicyRow, ...] = (
    Policy(0, "", TOKEN_SCOPE, "agent", "credential", "", 60, 60, 60),
    Policy(0, "", TOKEN_SCOPE, "account", "account", "", 600, 60, 600),
)
"""At the token endpoint without rows: a token lasts five minutes, so an agent that asks one a
second, or an account with ten such agents, is already asking for what it does not need."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The cluster as its members' limits see it."""

    cluster_id: str
    grade: str
    size: int
    members: Mapping[str, int]
    """How many members hold each identity level; empty where no policy has tiers."""
    overrides: Mapping[int, tuple[int, int]]
    """The largest quota and burst that a member was granted, by policy."""
    own_document: bool
    """No document of this account was seen with another member."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is limited."""

    agent_id: str
    account_id: str
    account_created_at: datetime
    identity: str
    """The level that counts now."""
    factor: float = 1.0
    """What a throttle leaves of its limits; 1: no throttle."""
    pool: Pool | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What one policy comes to for one holder."""

    name: str
    quota: int
    window_seconds: int
    rate: Rate
    unit: str = REQUESTS


def buckets_for(
    holder: Holder,
    rows: Iterable[PolicyRow],
    *,
    service_id: str,
    scope: str,
    cost: int,
    now: datetime,
    organisation_most: int,
    model_tokens: int = 0,
) -> tuple[Bucket, ...]:
    """The buckets that a request of ``cost`` units must pass. ``service_id`` is empty for the token endpoint.

    Rows of other services and scopes are left out here, so one read may carry more than one
    request needs. Policies that count model tokens are passed where a request names some.
    """
    costs = {REQUESTS: cost, MODEL_TOKENS: model_tokens}
    meant = [row for row in matching(rows, service_id, scope) if costs.get(row.unit)]
    place = _tag(service_id, scope)
    buckets: list[Bucket] = []
    for level, subject in ((Level.CREDENTIAL, holder.agent_id), (Level.ACCOUNT, holder.account_id)):
        for terms in resolve(meant, level, holder.identity, now):
            scaled = throttled(terms, holder.factor)
            buckets.append(_bucket(level, subject, place, scaled, costs[terms.unit]))
    if holder.pool is not None and holder.pool.grade in POOLED:
        buckets += _shared(holder, holder.pool, meant, place, costs, now, organisation_most)
    return _named(buckets)


def matching(rows: Iterable[PolicyRow], service_id: str, scope: str) -> list[PolicyRow]:
    """Rows of the service for the scope or for all of its scopes; the defaults where the issuer has none."""
    meant = [row for row in rows if (row.service_id or "") == service_id and row.scope in (scope, "")]
    if service_id or scope != TOKEN_SCOPE:
        return meant
    replaced = {(row.applies_to, row.name) for row in meant if not row.tier}
    return meant + [row for row in DEFAULTS if (row.applies_to, row.name) not in replaced]


def resolve(rows: Sequence[PolicyRow], level: Level, identity: str, now: datetime) -> list[Terms]:
    """One set of terms for each name. Who reaches no tier of a name is held to its lowest."""
    choices: dict[tuple[str, str], list[PolicyRow]] = {}
    for row in rows:
        if row.applies_to == level:
            choices.setdefault((row.name, row.scope), []).append(row)
    found: dict[str, Terms] = {}
    for named in choices.values():
        terms = terms_of(_tier_of(named, identity), now)
        found[terms.name] = stricter(found[terms.name], terms) if terms.name in found else terms
    return list(found.values())


def _tier_of(rows: Sequence[PolicyRow], identity: str) -> PolicyRow:
    ladder = sorted(rows, key=lambda row: rank(row.tier, IDENTITY))
    reached = [row for row in ladder if not row.tier or at_least(identity, row.tier)]
    return reached[-1] if reached else ladder[0]


def terms_of(row: PolicyRow, now: datetime) -> Terms:
    """The row, or the override of this account while it lasts."""
    quota, burst = row.quota, row.burst
    if row.override_quota is not None and row.override_until is not None and now < row.override_until:
        quota, burst = row.override_quota, row.override_burst or row.override_quota
    return _terms(row.name, quota, row.window_seconds, burst, row.unit)


def stricter(one: Terms, other: Terms) -> Terms:
    """The slower flow and the smaller burst of the two."""
    slow = max(one, other, key=lambda terms: terms.rate.emission_us)
    return replace(slow, rate=Rate(min(one.rate.burst, other.rate.burst), slow.rate.emission_us))


def throttled(terms: Terms, factor: float) -> Terms:
    """What a throttle leaves: at least one unit of burst, unless it leaves nothing."""
    if factor >= 1:
        return terms
    if factor <= 0:
        return replace(terms, quota=0, rate=Rate(0, terms.rate.emission_us))
    rate = Rate(max(1, int(terms.rate.burst * factor)), int(terms.rate.emission_us / factor) + 1)
    return replace(terms, quota=max(1, int(terms.quota * factor)), rate=rate)


def _terms(name: str, quota: int, window_seconds: int, burst: int, unit: str) -> Terms:
    if quota < 1 or window_seconds < 1:
        return Terms(name, 0, max(window_seconds, 1), Rate(0, 1), unit)
    return Terms(name, quota, window_seconds, rate_of(quota, window_seconds, burst), unit)


def _shared(
    holder: Holder,
    pool: Pool,
    rows: Sequence[PolicyRow],
    place: str,
    costs: Mapping[str, int],
    now: datetime,
    organisation_most: int,
) -> list[Bucket]:
    """The cluster's buckets: one for each policy for accounts."""
    own = {terms.name: terms for terms in resolve(rows, Level.ACCOUNT, holder.identity, now)}
    buckets = []
    for name, terms in own.items():
        budgets = _budgets(pool, rows, name, terms, now)
        largest = max((held for held, _ in budgets), key=_size)
        if pool.grade == "organisation":
            largest = _sum(largest, budgets, organisation_most)
        floor = None
        if _keeps_floor(holder, pool, now):
            kept = throttled(terms, FLOOR_SHARE * max(min(holder.factor, 1.0), 0.0))
            floor = Floor(f"f{holder.account_id}:{place}{name}", kept.rate)
        shared = _bucket(Level.CLUSTER, pool.cluster_id, place, largest, costs[largest.unit])
        buckets.append(replace(shared, floor=floor))
    return buckets


def _budgets(
    pool: Pool, rows: Sequence[PolicyRow], name: str, own: Terms, now: datetime
) -> list[tuple[Terms, int]]:
    """The members' budgets under one name, each with how many members have it; the asker's own among them."""
    named = [row for row in rows if row.name == name and row.applies_to == Level.ACCOUNT]
    plain = [_without_override(row) for row in named]
    budgets = [
        (terms, count)
        for identity, count in (pool.members or {"none": pool.size}).items()
        for terms in resolve(plain, Level.ACCOUNT, identity, now)
    ]
    for row in named:
        if row.id in pool.overrides:
            quota, burst = pool.overrides[row.id]
            budgets.append((_terms(name, quota, row.window_seconds, burst, row.unit), 1))
    # Where no members were read, no policy has tiers: all have what a newcomer has.
    return [*budgets, (own, 0)]


def _without_override(row: PolicyRow) -> PolicyRow:
    return Policy(
        row.id, row.service_id, row.scope, row.name, row.applies_to, row.tier,
        row.quota, row.window_seconds, row.burst, unit=row.unit,
    )  # fmt: skip


def _size(terms: Terms) -> tuple[float, int]:
    return (-terms.rate.emission_us, terms.rate.burst)


def _sum(largest: Terms, budgets: Sequence[tuple[Terms, int]], most: int) -> Terms:
    """All that the members could have apart, up to ``most`` times the largest."""
    flow = sum(count / terms.rate.emission_us for terms, count in budgets if terms.rate.burst)
    times = min(flow * largest.rate.emission_us, float(most))
    if times <= 1:
        return largest
    rate = Rate(int(largest.rate.burst * times), max(1, int(largest.rate.emission_us / times) + 1))
    return replace(largest, quota=int(largest.quota * times), rate=rate)


def _keeps_floor(holder: Holder, pool: Pool, now: datetime) -> bool:
    """An old member with a document of its own is not starved by the company it was put into."""
    return (
        pool.own_document
        and at_least(holder.identity, "document")
        and holder.account_created_at <= now - FLOOR_AGE
    )


def _bucket(level: Level, subject: str, place: str, terms: Terms, cost: int) -> Bucket:
    key = f"{level[0:2]}{subject}:{place}{terms.name}"
    return Bucket(
        key, level, terms.name, terms.quota, terms.window_seconds, terms.rate, cost, unit=terms.unit
    )


@lru_cache(maxsize=4096)
def _tag(service_id: str, scope: str) -> str:
    """Stands for service and scope in a key: 9 bytes, so that two do not meet by chance."""
    return blake2b(f"{service_id}\0{scope}".encode(), digest_size=9).hexdigest()


def _named(buckets: list[Bucket]) -> tuple[Bucket, ...]:
    """The names that clients see: each once, and none that tells of a cluster."""
    taken: set[str] = set()
    shown: list[Bucket] = []
    for bucket in buckets:
        name = "shared" if bucket.level is Level.CLUSTER else bucket.name
        if name in taken:
            name = f"{'shared' if bucket.level is Level.CLUSTER else bucket.level.value}-{bucket.name}"
        taken.add(name)
        shown.append(replace(bucket, name=name))
    return tuple(shown)
