"""An authorization request (RFC 6749 section 4.1.1, RFC 7636, RFC 8707, RFC 9449 section 10), checked.

First what must hold before anything is sent back to the client, then the rest.
"""

import re
from dataclasses import dataclass

from passport.agents.clients import OAuthClient, find_client
from passport.errors import InvalidClient, InvalidRequest, RequestNotSupported, UnsupportedResponseType
from passport.exchange.consenting import Ask, check_ask
from passport.exchange.person_grants import check_registered
from passport.oauth.forms import Form
from passport.protocol import AUTHORIZATION_CODE

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""S256 gives 32 bytes; the last character has two bits to spare, which are not judged."""
THUMBPRINT = CHALLENGE
MAX_CLIENT_ID = 255
PARAMETERS = (
    "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "code_challenge",
    "code_challenge_method", "resource", "authorization_details", "dpop_jkt", "request",
)  # fmt: skip
"""Those that are read; any other is ignored."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where the response goes: both are as registered."""

    client: OAuthClient
    redirect_uri: str
    redirect_was_sent: bool
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    asker: Asker
    ask: Ask
    code_challenge: str
    thumbprint: str
    """``dpop_jkt``; empty where the code is bound to no key."""


def find_asker(form: Form) -> Asker:
    """Raises InvalidClient and InvalidRequest, which must not be redirected anywhere (AC-01, AC-02)."""
    client_id = form.get("client_id")
    if client_id is None:
        raise InvalidRequest("client_id is missing")
    client = find_client(client_id) if len(client_id) <= MAX_CLIENT_ID else None
    if client is None:
        raise InvalidClient("no client is registered under this client_id")
    sent = form.get("redirect_uri")
    redirect_uri = _redirect_of(client, sent)
    return Asker(client, redirect_uri, sent is not None, form.get("state"))


def _redirect_of(client: OAuthClient, sent: str | None) -> str:
    if sent is None:
        if len(client.redirect_uris) != 1:
            raise InvalidRequest("redirect_uri is missing")
        return client.redirect_uris[0]
    if not client.may_redirect_to(sent):
        raise InvalidRequest("redirect_uri is not one that the client registered")
    return sent


def check_request(form: Form, asker: Asker) -> AuthorizationRequest:
    """The rest. Raises an OAuthError, which goes to the client (AC-03, AC-04)."""
    if "request" in form:
        raise RequestNotSupported("request objects are not read here: push the request instead")
    response_type = form.require("response_type")
    if response_type != "code":
        raise UnsupportedResponseType("response_type is code")
    if form.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode is query")
    check_registered(asker.client, AUTHORIZATION_CODE)
    challenge = form.get("code_challenge")
    if challenge is None or form.get("code_challenge_method") != "S256":
        raise InvalidRequest("send code_challenge with code_challenge_method S256")
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge is 43 characters of A-Z a-z 0-9 - _")
    thumbprint = form.get("dpop_jkt", "")
    if thumbprint and not THUMBPRINT.fullmatch(thumbprint):
        raise InvalidRequest("dpop_jkt is the thumbprint of a key: 43 characters of A-Z a-z 0-9 - _")
    ask = check_ask(
        asker.client,
        resources=form.get_all("resource"),
        scope=form.get("scope"),
        details=form.get("authorization_details"),
    )
    return AuthorizationRequest(asker, ask, challenge, thumbprint)
