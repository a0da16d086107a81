"""The owner's rules for sub-agents and for services that act on. The only writer of its table.

Nobody acts for an agent unless its owner said so. A rule is one step: that B may act for A lets
B take what A hands it, and says nothing about who may act for B.
"""

from datetime import datetime

from django.db import transaction

from foundation.ledger.append import append
from passport.acting.models import ActingRule
from passport.agents.models import Agent
from passport.services.models import Service

MOST_RULES = 20
"""For one agent: a longer list is read by nobody."""


class RuleRefused(ValueError):
    """The message may be shown to the owner."""


def allow_agent(agent: Agent, actor: Agent, *, by: str, now: datetime) -> ActingRule:
    """Let ``actor`` act for ``agent``. Raises RuleRefused for an agent that never could. Twice is once."""
    if actor.pk == agent.pk:
        raise RuleRefused("an agent needs no leave to act for itself")
    if (actor.account_id, actor.environment) != (agent.account_id, agent.environment):
        raise RuleRefused("only agents of the same account and environment may act for each other")
    if agent.state != Agent.State.ACTIVE or actor.state != Agent.State.ACTIVE:
        raise RuleRefused("the agent is closed")
    return _allow(agent, actor.client_id, by=by, now=now, actor_agent=actor)


def allow_service(agent: Agent, service: Service, *, by: str, now: datetime) -> ActingRule:
    """Let ``service`` act on for ``agent`` with tokens that were issued for it. Raises RuleRefused."""
    if service.environment != agent.environment:
        raise RuleRefused(f"a {agent.environment} agent cannot reach a {service.environment} service")
    if agent.state != Agent.State.ACTIVE or not service.enabled:
        raise RuleRefused("the agent is closed, or the service is disabled")
    return _allow(agent, service.pk, by=by, now=now, actor_service=service)


def forbid(agent: Agent, rule_id: int, *, by: str, now: datetime) -> bool:
    """Take a rule back, from the next exchange on. False where the agent has no such rule any more."""
    with transaction.atomic():
        rule = ActingRule.objects.select_for_update().filter(pk=rule_id, agent=agent).first()
        if rule is None:
            return False
        actor_id = actor_of(rule)
        rule.delete()
        append("acting.ended", actor=by, subject_ids=[agent.client_id, actor_id, agent.account_id], at=now)
    return True


def may_act(holder_id: str, actor_id: str) -> bool:
    """Whether the agent ``actor_id`` may act for the agent ``holder_id``. One query."""
    return ActingRule.objects.filter(agent__client_id=holder_id, actor_agent__client_id=actor_id).exists()


def may_act_on(holder_id: str, service_id: str) -> bool:
    """Whether the service may act on for the agent ``holder_id``. One query."""
    return ActingRule.objects.filter(agent__client_id=holder_id, actor_service=service_id).exists()


def actor_of(rule: ActingRule) -> str:
    """The id of who may act: ``client_id`` of an agent, or the service's."""
    return rule.actor_agent.client_id if rule.actor_agent else str(rule.actor_service_id)


def _allow(agent: Agent, actor_id: str, *, by: str, now: datetime, **actor: Agent | Service) -> ActingRule:
    with transaction.atomic():
        Agent.objects.select_for_update().get(pk=agent.pk)
        known = ActingRule.objects.filter(agent=agent)
        if (rule := known.filter(**actor).first()) is not None:
            return rule
        if known.count() >= MOST_RULES:
            raise RuleRefused(f"an agent has at most {MOST_RULES} such rules: take one back first")
        rule = ActingRule.objects.create(agent=agent, allowed_by=by, allowed_at=now, **actor)
        append("acting.allowed", actor=by, subject_ids=[agent.client_id, actor_id, agent.account_id], at=now)
    return rule
