"""Introspection (RFC 7662, signed: RFC 9701): is this access token good, for the service that asks.

Costs two reads by primary key, one signature check and a keyed hash; signed answers one
signature more. What is not the caller's own, or not good, is told in one and the same answer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from foundation import clock
from passport.acceptance.access_tokens import find_accepted
from passport.acceptance.tokens import read_ours
from passport.conf import issuer
from passport.errors import AccessDenied, InvalidClient, InvalidRequest
from passport.oauth.answers import NO_STORE, answer
from passport.oauth.clients import Anonymous, authenticate
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.oauth.spending import spend
from passport.protocol import TYP_INTROSPECTION
from passport.services.models import Service
from passport.signing import keys

JSON = "application/json"
SIGNED = "application/token-introspection+jwt"
INACTIVE: Mapping[str, Any] = {"active": False}
TOLD = (
    "iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "cnf", "act", "status",
    "authorization_details", "assurance", "account", "limits", "trace",
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
    if jws is None or find_accepted(jws, service.audience, now) is None:
        return INACTIVE
    told = {name: jws.claims[name] for name in TOLD if name in jws.claims}
    return {"active": True, "token_type": "DPoP" if "cnf" in told else "Bearer", **told}


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
