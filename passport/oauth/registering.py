"""POST /oauth/register and what follows it (RFC 7591, RFC 7592): parse, call, answer.

With an initial access token from the portal an agent of that account registers. Without one, where
the operator allows it, a client that acts for people and has nothing of its own (docs/divergences.md).
"""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from accounts.owners.models import Account
from attestation import levels
from attestation.evidence.standing import levels_of
from foundation import clock
from foundation.web.addresses import client_address
from passport import conf
from passport.agents import dynamic, open_clients, tokens
from passport.agents.client_metadata import (
    NONE,
    OF_AGENTS,
    OF_PEOPLE,
    SECRETS,
    ClientMetadata,
    read_metadata,
    response_types,
)
from passport.agents.models import Agent, InitialToken, OpenClient
from passport.agents.registration import Closed
from passport.consents.end import CLIENT_GONE, end_consents_of
from passport.errors import (
    AccessDenied,
    InvalidClientMetadata,
    InvalidRequest,
    InvalidToken,
)
from passport.exchange.issuing import LEAST_IDENTITY, LEAST_PAYMENT
from passport.fields import Effect
from passport.jose import strict_json
from passport.oauth.answers import NO_STORE, answer
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_body
from passport.oauth.stranger_limits import DoorLimit, charge_door, place_of
from passport.restrictions.subjects import account_states

type Registered = Agent | OpenClient

BY_ADDRESS: Final = DoorLimit("register", quota=20, window_seconds=3600)
"""Open registrations: an office behind one address sets up its programs; a script is slowed down."""
REFUSED: Final = DoorLimit("registration_refused", quota=60, window_seconds=3600)
"""Tokens that open nothing, from one address: good ones are not counted here."""
BY_CLIENT: Final = DoorLimit("registration", quota=60, window_seconds=60)
SERVER_SET: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_id_issued_at",
    *SECRETS,
)
MOST_TOKEN = 256


@oauth_door("POST")
def register(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    bearer = read_bearer(request)
    if bearer is None:
        return _register_openly(request)
    token = tokens.find_initial_token(bearer, now)
    if token is None:
        charge_door(REFUSED, {"address": place_of(client_address(request))}, now)
        raise invalid_token("the initial access token is unknown, used or past its hour")
    charge_door(BY_CLIENT, {"account": token.account_id}, now)
    _check_account(token.account_id, token.environment)
    metadata = read_metadata(read_members(request), grants=OF_AGENTS)
    agent, registration_token = _register_agent(metadata, token)
    return answer(describe(agent, registration_token), status=201)


@oauth_door("GET", "PUT", "DELETE")
def registration(request: HttpRequest, client_id: str) -> HttpResponse:
    token, client = _find(request, client_id)
    charge_door(BY_CLIENT, {"client": client_id}, clock.now())
    if request.method == "GET":
        return answer(describe(client, token))
    if request.method == "PUT":
        _replace(client, read_members(request))
        return answer(describe(client, token))
    _withdraw(client)
    return HttpResponse(status=204, headers=NO_STORE)


def read_bearer(request: HttpRequest) -> str | None:
    """The token of the Authorization header; None where there is no header. Raises InvalidToken."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= MOST_TOKEN:
        raise invalid_token("send the token as a Bearer token")
    return token


def read_members(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body. Raises InvalidRequest, InvalidClientMetadata."""
    if request.META.get("QUERY_STRING"):
        raise InvalidRequest("parameters belong in the body, not in the query string")
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise InvalidRequest("the content type must be application/json")
    try:
        return strict_json.loads_object(read_body(request))
    except ValueError as wrong:
        raise InvalidClientMetadata(f"the body is no client metadata: {wrong}") from None


def describe(client: Registered, registration_token: str) -> dict[str, Any]:
    """RFC 7591 section 3.2.1: all that is registered, and the way back to it."""
    grant_types = tuple(client.grant_types.split())
    about = {name: value for name, value in client.metadata.items() if value}
    said: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(_made_at(client).timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris.split(),
        "application_type": client.application_type,
        "grant_types": list(grant_types),
        "response_types": response_types(grant_types),
        "token_endpoint_auth_method": NONE,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        **about,
    }
    said |= (
        _of_agent(client) if isinstance(client, Agent) else {"scope": client.scope} if client.scope else {}
    )
    return said | {
        "registration_access_token": registration_token,
        "registration_client_uri": f"{conf.issuer()}/oauth/register/{client.client_id}",
    }


def invalid_token(words: str) -> InvalidToken:
    challenge = f'Bearer realm="{conf.issuer()}", error="invalid_token"'
    return InvalidToken(words, headers={"WWW-Authenticate": challenge})


def _register_openly(request: HttpRequest) -> HttpResponse:
    if not conf.open_registration():
        challenge = {"WWW-Authenticate": f'Bearer realm="{conf.issuer()}"'}
        raise InvalidToken("register with an initial access token from the portal", headers=challenge)
    now = clock.now()
    charge_door(BY_ADDRESS, {"address": place_of(client_address(request))}, now)
    metadata = _check_open(read_metadata(read_members(request), grants=OF_PEOPLE))
    client, registration_token = open_clients.register(metadata, most=conf.open_clients_most(), now=now)
    return answer(describe(client, registration_token), status=201)


def _check_open(metadata: ClientMetadata) -> ClientMetadata:
    if metadata.auth_method != NONE or metadata.keys or metadata.jwks_uri:
        raise InvalidClientMetadata(
            "without an initial access token a client is public: token_endpoint_auth_method none, no keys"
        )
    if not metadata.grant_types:
        raise InvalidClientMetadata("redirect_uris is missing: such a client acts for people alone")
    return metadata


def _register_agent(metadata: ClientMetadata, token: InitialToken) -> tuple[Agent, str]:
    try:
        return dynamic.register(metadata, token, most=conf.agents_most(), now=clock.now())
    except InvalidToken as used:
        raise invalid_token(used.description) from None


def _check_account(account_id: str, environment: str) -> None:
    """Raises AccessDenied for an account that is restricted, closed, or has proven too little (DCR-07)."""
    if account_states(environment).filter(pk=account_id, there__gte=Effect.SUSPEND).exists():
        raise AccessDenied("the account is suspended or revoked", uri_reason="account_suspended")
    if not Account.objects.filter(pk=account_id, state=Account.State.OPEN).exists():
        raise AccessDenied("the account is closed", uri_reason="account_closed")
    held = levels_of(account_id, environment, clock.now())
    if lacking := levels.missing(held.identity, held.payment, LEAST_IDENTITY, LEAST_PAYMENT):
        raise AccessDenied(
            f"the account is short of {' and '.join(lacking)}", uri_reason="attestation_missing"
        )


def _find(request: HttpRequest, client_id: str) -> tuple[str, Registered]:
    """Who the token belongs to. Raises InvalidToken; AccessDenied for another client's (DCR-08)."""
    token = read_bearer(request)
    if token is None:
        challenge = {"WWW-Authenticate": f'Bearer realm="{conf.issuer()}"'}
        raise InvalidToken("send the registration access token", headers=challenge)
    owner = tokens.find_registered(token)
    if owner is None:
        charge_door(REFUSED, {"address": place_of(client_address(request))}, clock.now())
        raise invalid_token("the registration access token is unknown, or its client is gone")
    if owner != client_id:
        raise AccessDenied("the registration access token is another client's")
    client = _find_client(client_id)
    if client is None:
        raise invalid_token("the client is gone")
    return token, client


def _find_client(client_id: str) -> Registered | None:
    agent = Agent.objects.filter(client_id=client_id, state=Agent.State.ACTIVE).first()
    return agent or OpenClient.objects.filter(pk=client_id).first()


def _replace(client: Registered, members: Mapping[str, Any]) -> None:
    """RFC 7592 section 2.2, the whole of it. Raises InvalidClientMetadata (DCR-09), as registering does."""
    for name in SERVER_SET:
        if name in members:
            raise InvalidClientMetadata(f"{name} is set by the server")
    if members.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id must be that of the registration")
    if isinstance(client, OpenClient):
        open_clients.replace(client, _check_open(read_metadata(members, grants=OF_PEOPLE)))
        return
    _check_account(client.account_id, client.environment)
    try:
        dynamic.replace(client, read_metadata(members, grants=OF_AGENTS), now=clock.now())
    except Closed:
        raise invalid_token("the client is gone") from None


def _withdraw(client: Registered) -> None:
    now = clock.now()
    if isinstance(client, Agent):
        dynamic.withdraw(client, now=now)
    else:
        open_clients.withdraw(client, actor=f"client:{client.client_id}", now=now)
    end_consents_of([client.client_id], reason=CLIENT_GONE, actor=f"client:{client.client_id}", now=now)


def _of_agent(agent: Agent) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if agent.client_type == Agent.CLIENT_CONFIDENTIAL:
        said["token_endpoint_auth_method"] = "private_key_jwt"  # noqa: S105
    if agent.jwks_uri:
        said["jwks_uri"] = agent.jwks_uri
    elif keys := dynamic.registered_keys(agent, clock.now()):
        said["jwks"] = {"keys": keys}
    return said


def _of_open(client: OpenClient) -> dict[str, Any]:
    return {"scope": client.scope} if client.scope else {}


def _made_at(client: Registered) -> Any:
    return client.created if isinstance(client, Agent) else client.created_at
