"""One decision: may this agent do this at the service that asks, and is there enough left for it?

One query, one trip to the admission store.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from attestation import levels
from passport import conf
from passport.admission.admit import admit
from passport.admission.blocks import most_units
from passport.admission.contract import Admission, Verdict
from passport.admission.holders import holder_of, partition_for
from passport.admission.mode import microseconds, mode_of
from passport.decisions.callers import Caller
from passport.errors import TemporarilyUnavailable
from passport.limits.headers import seconds
from passport.limits.policies import buckets_for
from passport.standing.facts import ServiceFacts, Standing
from passport.standing.good import current_levels, find_fault, is_observing
from passport.standing.read import find_by_agent

log = structlog.get_logger()

UNAVAILABLE_SECONDS = 1
MOST_UNITS = 100_000
MOST_TOKENS = 100_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What the service wants to know."""

    agent_id: str
    scope: str
    units: int = 1
    model_tokens: int = 0
    """Charged to the policies that count model tokens; 0: none of them is asked."""
    as_block: bool = False
    """Fewer units will do, and never more than a block."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is empty where it is granted; else one word of STANDARDS section 16."""

    units: int = 0
    reason: str = ""
    policy: str = ""
    retry_after: int = 0
    """Seconds; 0 where waiting would not help, or is not needed."""
    verdict: Verdict | None = None

    @property
    def granted(self) -> bool:
        return not self.reason

    def policies(self) -> list[dict[str, str | int]]:
        """What each bucket allows and still holds."""
        remaining = self.verdict.remaining if self.verdict else ()
        return [
            {
                "name": one.bucket.name,
                "q": one.bucket.quota,
                "w": one.bucket.window_seconds,
                "r": one.left.units,
                "t": seconds(one.left.full_in_us),
            }
            for one in remaining
        ]


def evaluate(caller: Caller, asked: Asked, now: datetime) -> Decision:
    """Decide and charge. Over a limit nothing is charged; a state out of reach is a denial (AZ-05, AZ-06)."""
    try:
        standing = find_by_agent(asked.agent_id, thumbprint=None, audience=caller.audience)
        if standing is None or standing.service is None:
            return Decision(reason="unknown")
        if reason := find_refusal(standing, standing.service, caller, asked.scope, now):
            return Decision(reason=reason)
        return charge(standing, standing.service, asked, now)
    except TemporarilyUnavailable as away:
        return Decision(reason="unavailable", retry_after=max(away.retry_after or 0, UNAVAILABLE_SECONDS))
    except (DatabaseError, InterfaceError) as away:
        log.error("decision_unavailable", error=type(away).__name__)
        return Decision(reason="unavailable", retry_after=UNAVAILABLE_SECONDS)


def find_refusal(
    standing: Standing, service: ServiceFacts, caller: Caller, scope: str, now: datetime
) -> str | None:
    """Why not, before any limit. Agents that have nothing to do with the caller are unknown to it."""
    if service.id != caller.service_id or not service.enabled:
        return "unknown"
    if standing.environment != service.environment or not service.granted:
        return "unknown"
    if fault := find_fault(standing, now):
        return "suspended" if fault.reason.endswith("_suspended") else "revoked"
    least = service.offered.get(scope)
    if least is None or scope not in service.granted:
        return "scope"
    return "scope" if levels.missing(*current_levels(standing, now), *least) else None


def charge(standing: Standing, service: ServiceFacts, asked: Asked, now: datetime) -> Decision:
    """Take the units from agent, account and cluster at once."""
    buckets = buckets_for(
        holder_of(standing, now),
        standing.policies,
        service_id=service.id,
        scope=asked.scope,
        cost=asked.units,
        now=now,
        organisation_most=conf.organisation_most(),
        model_tokens=asked.model_tokens,
    )
    if asked.as_block:
        units = most_units(buckets, asked.units)
        buckets = tuple(replace(bucket, cost=units) for bucket in buckets)
        asked = replace(asked, units=units)
    if not buckets:
        return Decision(units=asked.units)
    verdict = admit(
        Admission(partition_for(standing), (), buckets, None, microseconds(now), partial=asked.as_block),
        mode_of(standing.mode, standing.mode_since),
        observing=is_observing(standing, now),
    )
    return decision_of(verdict)


def decision_of(verdict: Verdict) -> Decision:
    if verdict.refused is None:
        return Decision(units=verdict.units, verdict=verdict)
    return Decision(
        reason="rate_limited",
        policy=verdict.refused.name,
        retry_after=max(seconds(verdict.retry_after_us), 1),
        verdict=verdict,
    )


def context_of(decision: Decision) -> dict[str, Any]:
    """The ``context`` of an AuthZEN answer."""
    context: dict[str, Any] = {}
    if decision.reason:
        context["reason"] = decision.reason
    if decision.policy:
        context["policy"] = decision.policy
    if decision.retry_after:
        context["retry_after"] = decision.retry_after
    if policies := decision.policies():
        context["policies"] = policies
    return context
