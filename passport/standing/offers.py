"""What services offer to an account: which scopes an agent holds, and what the account lacks for others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from attestation.evidence.standing import levels_of
from attestation.levels import missing
from passport.services.models import AgentGrant, Scope, Service


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


def service_rows(
    account_id: str,
    environment: str,
    now: datetime,
    held: Iterable[AgentGrant] = (),
    *,
    services: list[Service] | None = None,
) -> list[ServiceRow]:
    """Every service of the environment, or only ``services``, with its scopes: which are held, and what
    the levels lack."""
    levels = levels_of(account_id, environment, now)
    granted = {grant.service_id: set(grant.scopes.split()) for grant in held}
    if services is None:
        offered = Service.objects.filter(environment=environment, enabled=True)
        services = list(offered.order_by("name", "pk")[:100])
    scopes: dict[str, list[ScopeRow]] = {service.pk: [] for service in services}
    for scope in Scope.objects.filter(service__in=services).order_by("name"):
        lacking = missing(levels.identity, levels.payment, scope.least_identity, scope.least_payment)
        scopes[scope.service_id].append(
            ScopeRow(scope, scope.name in granted.get(scope.service_id, ()), lacking)
        )
    return [ServiceRow(service, scopes[service.pk]) for service in services]


def lacking_for(row: ServiceRow, wanted: Iterable[str]) -> list[str]:
    """Why scopes of the service cannot be granted, in words; those held already can stay. Empty: they can."""
    offered = {scope.scope.name: scope for scope in row.scopes}
    return [
        f"{name} needs {' and '.join(offered[name].missing)}"
        for name in wanted
        if name in offered and offered[name].missing and not offered[name].held
    ]
