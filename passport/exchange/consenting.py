"""What a client may ask of a person: at which services, for which scopes (RFC 8707, RFC 6749 section 3.3).

The same rules for every way to ask: in the browser, pushed beforehand, from a device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from passport.agents import own_api
from passport.agents.clients import OAuthClient
from passport.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget
from passport.exchange.details import TYPES, Detail, parse_details
from passport.exchange.person_backing import check_backing, find_backing
from passport.exchange.policy import TARGET_CHARACTERS, Held, Needs, is_absolute_uri, lacks, parse_scopes
from passport.standing.facts import ServiceFacts
from passport.standing.services import find_services

MOST_RESOURCES = 5
"""A person cannot judge more at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the person will be asked for."""

    services: Mapping[str, ServiceFacts]
    """By audience, in the order asked."""
    scopes: frozenset[str]
    named: bool
    """Whether the client named the scopes; where not, it gets those that the levels bear."""
    details: tuple[Detail, ...] = ()
    """What it would spend and move (RFC 9396)."""

    @property
    def resources(self) -> list[str]:
        return list(self.services)

    @property
    def manages(self) -> bool:
        """Whether it asks to manage an account: then the person says which."""
        return own_api.audience() in self.services

    @property
    def changes_account(self) -> bool:
        return self.manages and not own_api.CHANGING.isdisjoint(self.scopes)


def check_ask(
    client: OAuthClient, *, resources: Sequence[str], scope: str | None, details: str | None
) -> Ask:
    """Before a person is known. Two queries.

    Raises InvalidTarget (TOK-12), InvalidScope (TOK-10, TOK-11), InvalidAuthorizationDetails.
    """
    services = _find_targets(client, list(dict.fromkeys(resources)))
    offered = frozenset(name for service in services.values() for name in service.offered)
    allowed = offered if client.scopes is None else offered & client.scopes
    asked = parse_scopes(scope)
    scopes = allowed if asked is None else asked
    if excess := scopes - allowed:
        raise InvalidScope(f"not offered there, or not to this client: {' '.join(sorted(excess))}")
    if not scopes:
        raise InvalidScope("there is nothing that this client could be allowed there")
    return Ask(services, scopes, named=asked is not None, details=_read_details(details, services))


def _read_details(raw: str | None, services: Mapping[str, ServiceFacts]) -> tuple[Detail, ...]:
    """Raises InvalidAuthorizationDetails, also for a place that the person is not asked about."""
    details = () if raw is None else parse_details(raw, types=TYPES)
    places = {place for detail in details for place in detail.locations or ()}
    if foreign := places - services.keys():
        raise InvalidAuthorizationDetails(f"a location is not among the resources: {min(foreign)[:200]}")
    return details


def check_person(client: OAuthClient, ask: Ask, *, user_id: str, now: datetime) -> Ask:
    """With the person: is the client in good standing, and do the levels behind it bear the scopes.

    Gives what is asked in the end. Raises UnauthorizedClient, InvalidScope (TOK-13).
    """
    borne: set[str] = set()
    lacking = ""
    for audience, service in ask.services.items():
        backing = find_backing(client, user_id=user_id, audience=audience, now=now)
        check_backing(backing, now)
        held = Held(ask.scopes, now, backing.environment, backing.identity, backing.payment)
        for scope in sorted(ask.scopes & service.offered.keys()):
            short = lacks(held, Needs(*service.offered[scope]))
            lacking = lacking or (f"{scope} asks for {short}" if short else "")
            borne |= set() if short else {scope}
    if lacking and (ask.named or not borne):
        raise InvalidScope(lacking, uri_reason="assurance_too_low")
    return replace(ask, scopes=frozenset(borne))


def _find_targets(client: OAuthClient, resources: list[str]) -> dict[str, ServiceFacts]:
    if not resources:
        raise InvalidTarget("name the service by resource")
    if len(resources) > MOST_RESOURCES:
        raise InvalidTarget(f"name at most {MOST_RESOURCES} resources")
    if not all(len(one) <= TARGET_CHARACTERS and is_absolute_uri(one) for one in resources):
        raise InvalidTarget("resource is an absolute URI without fragment")
    found = find_services(resources)
    for resource in resources:
        service = found.get(resource)
        if service is None or not service.enabled:
            raise InvalidTarget("no service is registered under that name, or it is disabled")
        if client.environment is not None and resource == own_api.audience():
            raise InvalidTarget("agents do not manage accounts: ask as another client")
        if client.environment not in (None, service.environment):
            raise InvalidTarget(f"a {client.environment} agent cannot reach a {service.environment} service")
    return {resource: found[resource] for resource in resources}
