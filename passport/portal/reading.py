"""What the portal's pages show of agents: rows with their state in a word, and why."""

from passport.acting.models import ActingRule
from passport.agents.models import Agent
from passport.exchange.details import read_details
from passport.restrictions.models import Restriction
from passport.services.models import AgentGrant
from passport.workloads.models import WorkloadIssuer

OWNER_PAUSED = "paused_by_owner"
"""The reason of a suspension that members placed themselves and may lift themselves."""


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
