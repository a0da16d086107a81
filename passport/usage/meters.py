"""How much of each limit was used in its window, as far as services have told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum

from attestation.levels import IDENTITY, at_least, rank
from passport.limits.models import LimitOverride, LimitPolicy
from passport.usage.models import UsageHour, UsageMinute

SHORT = timedelta(hours=2)
"""Up to here minutes are added up, beyond it hours."""


@dataclass(frozen=True, slots=True)
class Meter:
    """``used`` of ``quota`` units in the last ``window_seconds``."""

    service: str
    scope: str
    policy: str
    whose: str
    """The agent that used most; empty: the whole account."""
    used: int
    quota: int
    window_seconds: int

    @property
    def percent(self) -> int:
        return min(100, 100 * self.used // self.quota) if self.quota else 100

    @property
    def high(self) -> int:
        return max(1, self.quota * 9 // 10)

    @property
    def shown(self) -> int:
        return min(self.used, self.quota)


def read_meters(
    account_id: str,
    environment: str,
    identity: str,
    services: Mapping[str, str],
    agents: Mapping[str, str],
    now: datetime,
) -> list[Meter]:
    """One for each limit that the account meets at these services, the fullest first. Four queries."""
    policies = _met(LimitPolicy.objects.filter(service_id__in=services, unit="requests"), identity)
    if not policies:
        return []
    overrides = dict(
        LimitOverride.objects.filter(account_id=account_id, ends_at__gt=now).values_list("policy_id", "quota")
    )
    used = _used(account_id, environment, {policy.window_seconds for policy in policies}, now)
    meters = []
    for policy in policies:
        by_agent = _of_policy(policy, used.get(policy.window_seconds, {}))
        whose, count = _whose(policy, by_agent, agents)
        meters.append(
            Meter(
                service=services[policy.service_id or ""],
                scope=policy.scope,
                policy=policy.name,
                whose=whose,
                used=count,
                quota=overrides.get(policy.pk, policy.quota),
                window_seconds=policy.window_seconds,
            )
        )
    return sorted(meters, key=lambda meter: (-meter.percent, meter.service, meter.scope, meter.policy))


def _met(policies: Iterable[LimitPolicy], identity: str) -> list[LimitPolicy]:
    """Of rows that differ in tier only, the highest that the level reaches."""
    best: dict[tuple[str, str, str, str], LimitPolicy] = {}
    for policy in sorted(policies, key=lambda row: rank(row.tier, IDENTITY)):
        if not policy.tier or at_least(identity, policy.tier):
            best[(policy.service_id or "", policy.scope, policy.name, policy.applies_to)] = policy
    return list(best.values())


type _Used = dict[tuple[str, str, str], int]
"""Units by service, scope and agent."""


def _used(account_id: str, environment: str, windows: set[int], now: datetime) -> dict[int, _Used]:
    found: dict[int, _Used] = {window: {} for window in windows}
    for table in (UsageMinute, UsageHour):
        ours = [window for window in windows if (table is UsageMinute) == (window <= SHORT.total_seconds())]
        if not ours:
            continue
        begins = {window: now - timedelta(seconds=window) for window in ours}
        sums = {f"w{w}": Sum("units", filter=Q(starts_at__gt=begin)) for w, begin in begins.items()}
        rows = table.objects.filter(
            account_id=account_id, environment=environment, starts_at__gt=min(begins.values())
        )
        grouped: Iterable[Any] = rows.order_by().values("service_id", "scope", "agent").annotate(**sums)
        for row in grouped:
            for window in ours:
                key = (row["service_id"], row["scope"], row["agent"])
                found[window][key] = row[f"w{window}"] or 0
    return found


def _of_policy(policy: LimitPolicy, used: _Used) -> dict[str, int]:
    """By agent. A policy without scope counts every scope."""
    by_agent: dict[str, int] = {}
    for (service_id, scope, agent), units in used.items():
        if service_id == policy.service_id and policy.scope in ("", scope):
            by_agent[agent] = by_agent.get(agent, 0) + units
    return by_agent


def _whose(policy: LimitPolicy, by_agent: dict[str, int], agents: Mapping[str, str]) -> tuple[str, int]:
    if policy.applies_to == LimitPolicy.Level.ACCOUNT:
        return "", sum(by_agent.values())
    if not by_agent:
        return "", 0
    agent = max(by_agent, key=lambda one: (by_agent[one], one))
    return agents.get(agent, agent), by_agent[agent]
