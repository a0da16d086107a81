"""Resolves a trace tag found in the wild to credential, account and cluster. Each look is on the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.linkage.clusters import cluster_of
from foundation.ledger.append import append
from passport.agents.models import Agent
from passport.credentials.models import IssueRecord
from passport.credentials.traces import Traced, find_traced
from passport.services.models import Service

MOST_RECORDS = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tag comes from."""

    traced: Traced
    service: Service
    agent: Agent
    cluster_id: str | None
    records: Sequence[IssueRecord]
    """Access tokens of that agent for that service in that minute, as far as they are kept."""


def resolve(tag: str, *, actor: str, reason: str) -> Origin | None:
    """None for what is no tag of ours. What was looked for is recorded either way; the tag is not."""
    traced = find_traced(tag.strip(), Service.objects.values_list("audience", flat=True).iterator())
    agent = Agent.objects.select_related("account").filter(pk=traced.agent_pk).first() if traced else None
    service = Service.objects.filter(audience=traced.audience).first() if traced else None
    subjects = [one for one in (agent and agent.client_id, agent and agent.account_id) if one]
    with transaction.atomic():
        append(
            "trace.resolved",
            actor=actor,
            subject_ids=subjects,
            reason="found" if agent else "unknown",
            payload={"service": service.pk} if service else {},
            text=reason,
        )
    if traced is None or agent is None or service is None:
        return None
    account_id = str(agent.account_id)
    return Origin(
        traced, service, agent, cluster_of(account_id, agent.environment), _records(traced, agent.client_id)
    )


def _records(traced: Traced, client_id: str) -> list[IssueRecord]:
    rows = IssueRecord.objects.filter(agent=client_id, audience=traced.audience)
    until = traced.issued_at + timedelta(minutes=1)
    return list(rows.filter(issued_at__gte=traced.issued_at, issued_at__lt=until)[:MOST_RECORDS])
