"""What services offer, where the read is about no agent."""

from collections.abc import Iterable

from passport.services.models import Service
from passport.standing.facts import ServiceFacts


def find_services(audiences: Iterable[str]) -> dict[str, ServiceFacts]:
    """By audience, those that are registered; disabled ones too. Two queries."""
    rows = Service.objects.filter(audience__in=list(audiences)).prefetch_related("scopes")
    return {service.audience: facts_of(service) for service in rows}


def facts_of(service: Service) -> ServiceFacts:
    offered = {scope.name: (scope.least_identity, scope.least_payment) for scope in service.scopes.all()}
    return ServiceFacts(
        id=service.id,
        audience=service.audience,
        environment=service.environment,
        enabled=service.enabled,
        bound_tokens_required=service.dpop_bound_access_tokens_required,
        offered=offered,
        granted=frozenset(),
        details=[],
    )
