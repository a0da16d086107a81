"""Introspection (RFC 7662, signed: RFC 9701): is this access token good, for the service that asks.

Costs two reads by primary key, one signature check and a keyed hash; signed answers one
signature more. What is not the caller's own, or not good, is told in one and the same answer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from foundation import clock
from passport.conf import issuer
from passport.errors import AccessDenied, InvalidClient, InvalidRequest
from passport.oauth.answers import NO_STORE, answer
from passport.oauth.clients import Anonymous, authenticate
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.oauth.presented import Place, place_of, read_ours
from passport.oauth.spending import spend
from passport.proofs.jwt import Jws, Malformed, time_claim
from passport.protocol import TYP_ACCESS_TOKEN, TYP_INTROSPECTION
from passport.services.models import Service
from passport.signing import keys
from passport.standing.consents import is_consent_good
from passport.standing.good import find_fault, holds_key
from passport.standing.read import MAX_ACTORS, find_by_token

JSON = "application/json"
SIGNED = "application/token-introspection+jwt"
INACTIVE: Mapping[str, Any] = {"active": False}
TOLD = (
    "iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "cnf", "act", "status",
    "authorization_details", "assurance", "account", "limits",
)  # fmt: skip
"""Of the token's claims: what was put into it for this service, and nothing about a person."""
USE_OF = {"RS256": "events", "ES256": "tokens"}


@oauth_door("POST", cors=False)
def introspect(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    form = read_form(request)
    caller = authenticate(form, request, now)
    if isinstance(caller, Anonymous):
        raise InvalidClient("introspection is for services that authenticate")
    if caller.service is None:
        raise AccessDenied("introspection is for services; agents hold tokens, they do not accept them")
    signed = _wants_signed(request, caller.service)
    token = form.require("token")
    spend(caller, now)
    state = introspection_of(token, caller.service, now)
    return _signed(state, caller.service, now) if signed else answer(state)


def introspection_of(token: str, service: Service, now: datetime) -> Mapping[str, Any]:
    """RFC 7662 section 2.2. One signature check and one query; an inactive token tells nothing."""
    jws = read_ours(token)
    if jws is None or not _is_current(jws, service.audience, now) or not _is_good(jws, service, now):
        return INACTIVE
    told = {name: jws.claims[name] for name in TOLD if name in jws.claims}
    return {"active": True, "token_type": "DPoP" if "cnf" in told else "Bearer", **told}


def _is_current(jws: Jws, audience: str, now: datetime) -> bool:
    if jws.typ != TYP_ACCESS_TOKEN or jws.claims.get("aud") != audience:
        return False
    try:
        expires_at = time_claim(jws.claims, "exp")
    except Malformed:
        return False
    return expires_at is not None and now < expires_at


def _is_good(jws: Jws, service: Service, now: datetime) -> bool:
    """From the facts of this moment: its root, its key, its signer, everyone who acts."""
    place = place_of(jws)
    if place is None:
        return False
    thumbprint = jws.claims.get("cnf", {}).get("jkt")
    actors = _actors(jws.claims)
    if len(actors) > MAX_ACTORS:
        return False
    standing = find_by_token(
        place.number,
        place.index,
        jti=str(jws.claims.get("jti")),
        kid=str(jws.kid),
        thumbprint=thumbprint,
        actors=actors,
        audience=service.audience,
    )
    if standing is None:
        return len(actors) <= 1 and is_good_for_person(jws, place, service, now)
    if len(standing.actors) != len(actors):
        return False
    holder = actors[0] if actors else standing.agent_id
    if thumbprint is not None and not holds_key(standing, holder, thumbprint):
        return False
    return find_fault(standing, now) is None


def is_good_for_person(jws: Jws, place: Place, service: Service, now: datetime) -> bool:
    """The root is a person's consent. Its client need not have registered the key that it is bound to."""
    return is_consent_good(
        place.number,
        place.index,
        jti=str(jws.claims.get("jti")),
        kid=str(jws.kid),
        client_id=str(jws.claims.get("client_id")),
        audience=service.audience,
        now=now,
    )


def _actors(claims: Mapping[str, Any]) -> list[str]:
    """Every ``sub`` of the nested ``act``, outermost first, each once."""
    found: list[str] = []
    act = claims.get("act")
    while isinstance(act, dict) and len(found) <= MAX_ACTORS:
        found.append(str(act.get("sub")))
        act = act.get("act")
    return list(dict.fromkeys(found))


def _wants_signed(request: HttpRequest, service: Service) -> bool:
    """Raises InvalidRequest: 406 for types we do not write, 400 for JSON asked by a signed-only caller."""
    if service.introspection_signed_response_alg:
        if request.accepts(SIGNED):
            return True
        if request.accepts(JSON):
            raise InvalidRequest(f"this service is registered for signed answers: accept {SIGNED}")
    preferred = request.get_preferred_type([JSON, SIGNED])
    if preferred is None:
        raise InvalidRequest(f"accept {JSON} or {SIGNED}", status=406)
    return preferred == SIGNED


def _signed(state: Mapping[str, Any], service: Service, now: datetime) -> HttpResponse:
    """RFC 9701 section 5: no ``sub`` and no ``exp`` outside, so that it passes for nothing else."""
    claims = {
        "iss": issuer(),
        "aud": service.id,
        "iat": int(now.timestamp()),
        "token_introspection": dict(state),
    }
    alg = service.introspection_signed_response_alg or "RS256"
    token = keys.active(USE_OF[alg]).sign(claims, typ=TYP_INTROSPECTION)
    return HttpResponse(token, content_type=SIGNED, headers=NO_STORE)
