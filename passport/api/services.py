"""``/v1/services``: the relying parties of the account. Credentials are for its owners."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet

from attestation.evidence.standing import levels_of
from attestation.levels import IDENTITY, PAYMENT, missing
from passport.agents.key_sets import MOST_KEYS, parse_key_set
from passport.agents.keys import BadKey, PublicKey
from passport.agents.names import BadName
from passport.agents.own_api import READ_SERVICES, WRITE_SERVICES
from passport.api.agents import ENVIRONMENTS, check_environment
from passport.api.callers import MAKERS, OWNERS, Caller
from passport.api.doors import Answer, Asked, Call, api_door, tagged
from passport.api.refusals import ApiRefused, not_found, wrong
from passport.api.shapes import page_of, show_service
from passport.conf import issuer
from passport.exchange.issuing import LEAST_IDENTITY, LEAST_PAYMENT
from passport.services.key_registration import set_keys
from passport.services.keys import read_keys
from passport.services.models import Scope, Service
from passport.services.registration import (
    AudienceInUse,
    ScopeSpec,
    ServiceRefused,
    create_service,
    renew_secret,
)

MOST_SCOPES: Final = 50
MOST_SERVICES: Final = 100
"""Of one account, enabled or not: an audience that is taken stays taken."""
ISSUER_SCOPES: Final = ("events.read", "decisions.evaluate")
"""What its own tokens may carry: to verify offline, to ask for decisions. More the operator gives."""
MEMBERS: Final = (
    "name", "description", "audience", "environment", "scopes", "dpop_bound_access_tokens_required",
)  # fmt: skip
SCOPE_MEMBERS: Final = frozenset({"name", "description", "least_identity", "least_payment"})


def services_of(caller: Caller) -> QuerySet[Service]:
    return Service.objects.filter(account_id=caller.account_id)


def get_service(caller: Caller, service_id: str) -> Service:
    service = services_of(caller).filter(pk=service_id).first()
    if service is None:
        raise not_found("service")
    return service


def list_services(asked: Asked) -> Answer:
    rows = services_of(asked.caller).prefetch_related("scopes")
    return page_of(
        "services", rows, asked.http, lambda found: [show_service(one, one.scopes.all()) for one in found]
    )


def show(asked: Asked, service_id: str) -> Answer:
    return _answer(get_service(asked.caller, service_id))


def create(asked: Asked) -> Answer:
    """The secret is in this answer and nowhere else."""
    members, caller = asked.members(*MEMBERS), asked.caller
    name = members.text("name", most=120, required=True)
    description = members.text("description", most=300)
    audience = members.text("audience", most=512, required=True)
    environment = members.choice("environment", among=ENVIRONMENTS)
    scopes = _read_scopes(asked)
    bound = members.flag("dpop_bound_access_tokens_required", default=True)
    if not scopes and not members.faults:
        members.fault("scopes", "names at least one scope")
    members.check()
    _check_account(caller, environment)
    try:
        service, secret = create_service(
            account_id=caller.account_id,
            name=name,
            description=description,
            audience=audience,
            environment=environment,
            scopes=scopes,
            issuer_scopes=ISSUER_SCOPES,
            dpop_bound_access_tokens_required=bound,
            actor=caller.actor,
            now=caller.now,
        )
    except AudienceInUse as refused:
        raise ApiRefused(409, "audience_in_use", str(refused)) from None
    except (ServiceRefused, BadName) as refused:
        raise wrong(_place_of(refused), str(refused)) from None
    answer = _answer(service, secret=secret)
    location = f"{issuer()}/v1/services/{service.pk}"
    return Answer(answer.content, 201, {"Location": location})


def renew(asked: Asked, service_id: str) -> Answer:
    """A new secret, in this answer and nowhere else; the old one no longer works."""
    service = get_service(asked.caller, service_id)
    asked.members().check()
    secret = renew_secret(service, actor=asked.caller.actor, now=asked.caller.now)
    return Answer({"id": service.pk, "secret": secret})


def list_keys(asked: Asked, service_id: str) -> Answer:
    return _answer_keys(get_service(asked.caller, service_id))


def change_keys(asked: Asked, service_id: str) -> Answer:
    """Exactly these keys from now on; an empty list takes all away."""
    service = get_service(asked.caller, service_id)
    members = asked.members("keys")
    given = members.objects("keys", most=MOST_KEYS)
    if "keys" not in members:
        members.fault("keys", "is missing")
    members.check()
    asked.check_unchanged(_shown_keys(service))
    try:
        set_keys(service, _parse(given), actor=asked.caller.actor, now=asked.caller.now)
    except ServiceRefused as refused:
        raise wrong("/keys", str(refused)) from None
    return _answer_keys(service)


def _parse(given: list[Mapping[str, Any]]) -> tuple[PublicKey, ...]:
    try:
        return parse_key_set({"keys": given}) if given else ()
    except BadKey as bad:
        raise wrong("/keys", str(bad)) from None


def _check_account(caller: Caller, environment: str) -> None:
    """A relying party is somebody: the levels of a passport are asked of its owner too. Raises ApiRefused."""
    check_environment(caller, environment)
    held = levels_of(caller.account_id, environment, caller.now)
    if lacking := missing(held.identity, held.payment, LEAST_IDENTITY, LEAST_PAYMENT):
        words = f"the account is short of {' and '.join(lacking)}"
        raise ApiRefused(403, "attestation_missing", words)
    if services_of(caller).count() >= MOST_SERVICES:
        raise ApiRefused(409, "too_many_services", f"an account has at most {MOST_SERVICES} services")


def _read_scopes(asked: Asked) -> list[ScopeSpec]:
    """Raises ApiRefused (422): what is wrong with a scope stands at its place in the list."""
    given = asked.content.get("scopes", [])
    if not isinstance(given, list) or len(given) > MOST_SCOPES:
        raise wrong("/scopes", f"scopes is a list of at most {MOST_SCOPES} objects")
    return [_read_scope(place, one) for place, one in enumerate(given)]


def _read_scope(place: int, given: Any) -> ScopeSpec:
    spec = {"least_identity": "document", "least_payment": "instrument"}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise wrong(f"/scopes/{place}", "a scope is an object of strings")
    if not {"name", "description"} <= given.keys() <= SCOPE_MEMBERS:
        raise wrong(
            f"/scopes/{place}", f"a scope has name, description and of {', '.join(sorted(SCOPE_MEMBERS))}"
        )
    spec |= given
    if spec["least_identity"] not in IDENTITY or spec["least_payment"] not in PAYMENT:
        raise wrong(f"/scopes/{place}", f"levels are {', '.join(IDENTITY)} and {', '.join(PAYMENT)}")
    return ScopeSpec(**spec)


def _place_of(refused: Exception) -> str:
    words = str(refused)
    found = ("audience", "description", "scope")
    return "/" + next(({"scope": "scopes"}.get(name, name) for name in found if name in words), "name")


def _answer(service: Service, **more: str) -> Answer:
    return Answer(show_service(service, Scope.objects.filter(service=service).order_by("name")) | more)


def _shown_keys(service: Service) -> dict[str, Any]:
    keys = [{**key.jwk, "kid": key.kid, "alg": key.alg} for key in read_keys(service.jwks)]
    return {"id": service.pk, "keys": keys}


def _answer_keys(service: Service) -> Answer:
    return tagged(_shown_keys(service))


services = api_door(
    GET=Call(READ_SERVICES, list_services),
    POST=Call(WRITE_SERVICES, create, OWNERS, changes=True),
)
service = api_door(GET=Call(READ_SERVICES, show))
service_secret = api_door(POST=Call(WRITE_SERVICES, renew, OWNERS, changes=True))
service_keys = api_door(
    GET=Call(READ_SERVICES, list_keys, MAKERS),
    PUT=Call(WRITE_SERVICES, change_keys, OWNERS, changes=True),
)
