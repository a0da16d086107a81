"""What an agent may spend and move at a service that it was granted. Writes one column of the grant."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation.ledger.append import append
from passport.agents.models import Agent
from passport.services.models import AgentGrant, Service
from passport.services.registration import ServiceRefused


def set_details(
    agent: Agent, service: Service, details: Sequence[Mapping[str, Any]], *, actor: str, now: datetime
) -> None:
    """Let the agent have exactly these ``authorization_details`` there, from the next token on.

    They are claims that `passport.exchange.details` has read. Raises ServiceRefused where the
    agent was granted nothing at the service.
    """
    with transaction.atomic():
        rows = AgentGrant.objects.filter(agent=agent, service=service)
        if not rows.update(authorization_details=list(details)):
            raise ServiceRefused("grant a scope of the service first")
        append(
            "grant.changed",
            actor=actor,
            subject_ids=[agent.client_id, service.id, agent.account_id],
            payload={"authorization_details": list(details)},
            at=now,
        )
