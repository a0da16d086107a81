"""``/v1/agents/{id}/grants`` and ``/v1/offers``: which scopes of which services an agent may reach."""

from typing import Any

from django.db import transaction

from passport.agents.models import Agent
from passport.agents.own_api import READ_AGENTS, WRITE_AGENTS
from passport.agents.registration import Closed, lock_open
from passport.api.agents import ENVIRONMENTS, get_agent, get_open_agent, refused_registration
from passport.api.callers import MAKERS
from passport.api.doors import Answer, Asked, Call, api_door, tagged
from passport.api.refusals import ApiRefused, not_found, wrong
from passport.api.shapes import moment, page_of, show_offer
from passport.services.models import AgentGrant, Service
from passport.services.registration import VISIBLE, ServiceRefused, set_grant
from passport.standing.offers import lacking_for, service_rows

MOST_SCOPES = 100


def list_offers(asked: Asked) -> Answer:
    """What services of one environment offer, and what the account lacks for it."""
    environment = asked.http.GET.get("environment", "sandbox")
    if environment not in ENVIRONMENTS:
        raise ApiRefused(400, "invalid-request", "environment is sandbox or live")
    audience = asked.http.GET.get("audience")
    named = None if audience is None else _services_at(audience, environment)
    rows = service_rows(asked.caller.account_id, environment, asked.caller.now, services=named)
    return Answer({"offers": [show_offer(row) for row in rows], "next": None})


def _services_at(audience: str, environment: str) -> list[Service]:
    """That one, if it is there: it need not be among the first hundred."""
    if not VISIBLE.fullmatch(audience):
        return []
    return list(Service.objects.filter(audience=audience, environment=environment, enabled=True))


def list_grants(asked: Asked, agent_id: str) -> Answer:
    rows = AgentGrant.objects.filter(agent=get_agent(asked.caller, agent_id)).select_related("service")
    return page_of("grants", rows, asked.http, lambda found: [show_grant(g.service, g) for g in found])


def show(asked: Asked, agent_id: str, service_id: str) -> Answer:
    agent, service = get_agent(asked.caller, agent_id), _get_service(service_id)
    return tagged(show_grant(service, AgentGrant.objects.filter(agent=agent, service=service).first()))


def change(asked: Asked, agent_id: str, service_id: str) -> Answer:
    """Exactly these scopes from the next token on; none of them takes the grant away."""
    agent, service = get_open_agent(asked.caller, agent_id), _get_service(service_id)
    members = asked.members("scopes")
    scopes = members.texts("scopes", most=MOST_SCOPES, required=True)
    members.check()
    try:
        with transaction.atomic():
            lock_open(agent)
            held = AgentGrant.objects.filter(agent=agent, service=service).first()
            asked.check_unchanged(show_grant(service, held))
            _check_levels(asked, agent, service, held, scopes)
            grant = set_grant(agent, service, scopes, actor=asked.caller.actor, now=asked.caller.now)
    except ServiceRefused as refused:
        raise wrong("/scopes", str(refused)) from None
    except Closed as refused:
        raise refused_registration(refused) from None
    return tagged(show_grant(service, grant))


def show_grant(service: Service, grant: AgentGrant | None) -> dict[str, Any]:
    return {
        "service": service.pk,
        "name": service.name,
        "audience": service.audience,
        "scopes": sorted(grant.scopes.split()) if grant else [],
        "authorization_details": grant.authorization_details if grant else [],
        "granted_at": moment(grant.granted_at) if grant else None,
    }


def _check_levels(
    asked: Asked, agent: Agent, service: Service, held: AgentGrant | None, scopes: list[str]
) -> None:
    """Nobody asks above their level (TOK-13 would refuse the token). Raises ApiRefused (422)."""
    rows = service_rows(
        asked.caller.account_id,
        agent.environment,
        asked.caller.now,
        [held] if held else [],
        services=[service],
    )
    if lacking := lacking_for(rows[0], scopes):
        raise ApiRefused(422, "assurance_too_low", "; ".join(lacking)[:500])


def _get_service(service_id: str) -> Service:
    service = Service.objects.filter(pk=service_id, enabled=True).first()
    if service is None:
        raise not_found("service")
    return service


offers = api_door(GET=Call(READ_AGENTS, list_offers))
grants = api_door(GET=Call(READ_AGENTS, list_grants))
grant = api_door(
    GET=Call(READ_AGENTS, show),
    PUT=Call(WRITE_AGENTS, change, MAKERS, changes=True),
)
