"""What the portal's pages show of agents: rows with their state in a word, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from attestation.evidence.standing import levels_of
from attestation.levels import missing
from passport.acting.models import ActingRule
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.exchange.details import read_details
from passport.fields import Effect
from passport.restrictions.effective import strongest
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import ENVIRONMENTS, account_states
from passport.services.models import AgentGrant, Scope, Service
from passport.workloads.models import WorkloadIssuer

WORDS = {
    Effect.NONE: "active",
    Effect.THROTTLE: "throttled",
    Effect.SUSPEND: "suspended",
    Effect.REVOKE: "revoked",
}
OWNER_PAUSED = "paused_by_owner"
"""The reason of a suspension that members placed themselves and may lift themselves."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    agent: Agent
    word: str
    passport_until: datetime | None
    keys: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    key: AgentKey
    word: str


@dataclass(frozen=True, slots=True)
class ScopeRow:
    scope: Scope
    held: bool
    missing: list[str]
    """What the account's levels lack for it, in words."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    service: Service
    scopes: list[ScopeRow]


def account_effect(account_id: str, environment: str) -> Effect:
    row = account_states(environment).filter(pk=account_id).values_list("there", flat=True).first()
    return Effect(row or 0)


def word_of(agent: Agent, of_account: Effect) -> str:
    if agent.state == Agent.State.CLOSED:
        return "closed"
    return WORDS[strongest([agent.effect, of_account])]


def agent_rows(agents: list[Agent], account_id: str, now: datetime) -> list[AgentRow]:
    """Four queries, however many agents."""
    ids = [agent.pk for agent in agents]
    of_account = {name: account_effect(account_id, name) for name in ENVIRONMENTS}
    until: dict[int, datetime] = {}
    for agent_id, expires_at in Passport.objects.filter(agent_id__in=ids, expires_at__gt=now).values_list(
        "agent_id", "expires_at"
    ):
        until[agent_id] = max(expires_at, until.get(agent_id, expires_at))
    keys: dict[int, int] = {}
    for agent_id in AgentKey.objects.filter(agent_id__in=ids, retired_at=None).values_list(
        "agent_id", flat=True
    ):
        keys[agent_id] = keys.get(agent_id, 0) + 1
    return [
        AgentRow(
            agent, word_of(agent, of_account[agent.environment]), until.get(agent.pk), keys.get(agent.pk, 0)
        )
        for agent in agents
    ]


def key_rows(agent: Agent, now: datetime) -> list[KeyRow]:
    keys = AgentKey.objects.filter(agent=agent).order_by("-created_at", "pk")[:20]
    return [KeyRow(key, key_word(key, now)) for key in keys]


def key_word(key: AgentKey, now: datetime) -> str:
    if key.effect >= Effect.SUSPEND:
        return WORDS[Effect(key.effect)]
    if key.retired_at is not None:
        return "retired"
    if key.not_after is not None and key.not_after <= now:
        return "expired"
    return "active"


def service_rows(
    account_id: str, environment: str, now: datetime, held: Iterable[AgentGrant] = ()
) -> list[ServiceRow]:
    """Every service of the environment with its scopes: which are held, and what the levels lack."""
    levels = levels_of(account_id, environment, now)
    granted = {grant.service_id: set(grant.scopes.split()) for grant in held}
    services = list(
        Service.objects.filter(environment=environment, enabled=True).order_by("name", "pk")[:100]
    )
    scopes: dict[str, list[ScopeRow]] = {service.pk: [] for service in services}
    for scope in Scope.objects.filter(service__in=services).order_by("name"):
        lacking = missing(levels.identity, levels.payment, scope.least_identity, scope.least_payment)
        scopes[scope.service_id].append(
            ScopeRow(scope, scope.name in granted.get(scope.service_id, ()), lacking)
        )
    return [ServiceRow(service, scopes[service.pk]) for service in services]


def notices_for(account_id: str) -> list[Restriction]:
    """What restricts the account or what it owns, newest first, but for what members placed themselves."""
    found = Restriction.objects.filter(account_id=account_id).exclude(reason=OWNER_PAUSED)
    return list(found.order_by("-placed_at", "-pk")[:50])


def rules_of(agent: Agent) -> list[ActingRule]:
    """Who may act for it."""
    rows = ActingRule.objects.filter(agent=agent).select_related("actor_agent", "actor_service")
    return list(rows.order_by("pk"))


def workloads_of(agent: Agent) -> list[WorkloadIssuer]:
    return list(WorkloadIssuer.objects.filter(agent=agent, removed_at=None).order_by("added_at", "pk"))


def limit_words(grant: AgentGrant) -> list[str]:
    """What it may spend and move at the service of the grant."""
    details = read_details(grant.authorization_details) if grant.authorization_details else ()
    return [detail.words() for detail in details]
