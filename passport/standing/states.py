"""What state agents, keys and passports are in, in one word: for people, and for programs that ask.

The words say what holds, not why; what restricts an account is told by its notices.
"""

from dataclasses import dataclass
from datetime import datetime

from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.effective import strongest
from passport.restrictions.subjects import ENVIRONMENTS, account_states

WORDS = {
    Effect.NONE: "active",
    Effect.THROTTLE: "throttled",
    Effect.SUSPEND: "suspended",
    Effect.REVOKE: "revoked",
}


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


def passport_word(passport: Passport, now: datetime) -> str:
    """Of the passport alone: what restricts its agent or account is in their words."""
    if passport.expires_at <= now:
        return "expired"
    return "valid" if passport.effect == Effect.NONE else WORDS[Effect(passport.effect)]
