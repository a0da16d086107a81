"""What an agent says of itself changes: its name, its purpose, its software. Never its keys or its owner."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from django.db import transaction

from foundation.ledger.append import append
from passport.agents.models import Agent
from passport.agents.names import clean_name
from passport.agents.registration import Closed, RegistrationRefused


@dataclass(frozen=True, slots=True)
class About:
    """In the form in which it is kept."""

    name: str
    purpose: str
    software: str

    @classmethod
    def of(cls, agent: Agent) -> Self:
        return cls(agent.name, agent.purpose, agent.software)


class ChangedMeanwhile(RegistrationRefused):
    """Somebody else changed it since it was read."""


def read_about(name: str, purpose: str, software: str) -> About:
    """Raises BadName."""
    return About(
        clean_name(name, most=80),
        clean_name(purpose, most=300, label="the purpose", required=False),
        clean_name(software, most=120, label="the software", required=False),
    )


def change_agent(agent: Agent, about: About, *, actor: str, now: datetime) -> None:
    """Make it say ``about``, if it is still as ``agent`` was read. Raises Closed, ChangedMeanwhile."""
    before = About.of(agent)
    with transaction.atomic():
        rows = Agent.objects.filter(pk=agent.pk, state=Agent.State.ACTIVE, **asdict(before))
        if not rows.update(**asdict(about)):
            if Agent.objects.filter(pk=agent.pk, state=Agent.State.CLOSED).exists():
                raise Closed("the agent is closed")
            raise ChangedMeanwhile("the agent was changed since it was read: read it again")
        append(
            "agent.changed",
            actor=actor,
            subject_ids=[agent.client_id, agent.account_id],
            payload={"members": changed_members(before, about)},
            at=now,
        )
    agent.name, agent.purpose, agent.software = about.name, about.purpose, about.software


def changed_members(before: About, after: About) -> list[str]:
    held, wanted = asdict(before), asdict(after)
    return [name for name in held if held[name] != wanted[name]]
