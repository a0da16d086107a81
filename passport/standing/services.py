"""What services offer, where the read is about no agent."""

from collections.abc import Iterable

from passport.agents import own_api
from passport.services.models import Service
from passport.standing.facts import ServiceFacts


def find_services(audiences: Iterable[str]) -> dict[str, ServiceFacts]:
    """By audience, those that are registered; disabled ones too. Two queries."""
    named = set(audiences)
    rows = Service.objects.filter(audience__in=named).prefetch_related("scopes")
    found = {service.audience: facts_of(service) for service in rows}
    if (own := own_api.audience()) in named:
        found[own] = facts_of_own_api()
    return found


def facts_of_own_api() -> ServiceFacts:
    """Of no environment, and whoever signs in has the levels it asks for: roles decide there."""
    return ServiceFacts(
        id="",
        audience=own_api.audience(),
        environment="",
        enabled=True,
        bound_tokens_required=False,
        offered=dict.fromkeys(own_api.SCOPES, ("none", "none")),
        granted=frozenset(),
        details=[],
    )


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
