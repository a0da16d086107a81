"""Revocation by the holder (RFC 7009): a passport or a refresh token ends with all that came from it,
an access token alone."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from foundation import clock
from foundation.ledger.append import append
from passport.acceptance.tokens import read_ours
from passport.agents.clients import AGENT, NO_AUTHENTICATION, find_client
from passport.consents.end import HOLDER_REQUEST, end_consent
from passport.consents.tokens import find_family, find_refresh_token
from passport.credentials.models import RevokedToken
from passport.errors import InvalidClient, InvalidRequest, UnsupportedTokenType
from passport.oauth.answers import NO_STORE
from passport.oauth.clients import Anonymous, Authenticated, authenticate
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.oauth.spending import spend
from passport.proofs.jwt import Jws, Malformed, time_claim
from passport.protocol import TYP_ACCESS_TOKEN, TYP_PASSPORT
from passport.revocation.by_holder import revoke_passport

REASON = HOLDER_REQUEST
CLIENT_CHARACTERS, ACTOR_CHARACTERS = 100, 80
"""What the records keep of a client's id: a metadata document's can be longer."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who hands the token in."""

    client_id: str
    actor: str


@oauth_door("POST")
def revoke(request: HttpRequest) -> HttpResponse:
    """``token_type_hint`` is read by nobody: a token tells its kind itself (REV-02)."""
    now = clock.now()
    form = read_form(request)
    caller = authenticate(form, request, now)
    holder = holder_of(caller)
    token = form.require("token")
    if isinstance(caller, Authenticated):
        spend(caller, now)
    jws = read_ours(token)
    if jws is not None:
        revoke_token(jws, holder, now)
    else:
        revoke_refresh_token(token, holder, now)
    return HttpResponse(status=200, headers=NO_STORE)


def holder_of(caller: Authenticated | Anonymous) -> Holder:
    """A client that is registered without authentication says its id: the token itself is its proof.

    Raises InvalidClient (REV-04).
    """
    if isinstance(caller, Authenticated):
        kind = "service" if caller.service else "agent" if caller.agent else "client"
        return Holder(caller.client_id, f"{kind}:{caller.client_id}"[:ACTOR_CHARACTERS])
    client = find_client(caller.client_id) if caller.client_id else None
    if client is None or client.auth_method != NO_AUTHENTICATION:
        raise InvalidClient("authenticate to revoke: agents by assertion, services also by secret")
    kind = "agent" if client.kind == AGENT else "client"
    return Holder(client.client_id, f"{kind}:{client.client_id}"[:ACTOR_CHARACTERS])


def revoke_token(jws: Jws, holder: Holder, now: datetime) -> None:
    """Revoke a token that we signed. Once or often is the same.

    Raises InvalidRequest for another client's token, UnsupportedTokenType for other kinds.
    """
    if jws.typ == TYP_PASSPORT:
        _check_own(jws.claims.get("sub"), holder)
        revoke_passport(str(jws.claims["jti"]), actor=holder.actor, now=now)
    elif jws.typ == TYP_ACCESS_TOKEN:
        _check_own(jws.claims.get("client_id"), holder)
        _revoke_access_token(jws, holder, now)
    else:
        raise UnsupportedTokenType("passports, access tokens and refresh tokens are revoked here")


def revoke_refresh_token(token: str, holder: Holder, now: datetime) -> None:
    """With its family, and all access tokens of it. Raises InvalidRequest for another client's."""
    found = find_refresh_token(token)
    consent = find_family(found) if found else None
    if consent is None:
        return
    _check_own(consent.client_id, holder)
    end_consent(consent.pk, reason=HOLDER_REQUEST, actor=holder.actor, now=now)


def _check_own(client_id: object, holder: Holder) -> None:
    if client_id != holder.client_id:
        raise InvalidRequest("the token was issued to another client")


def _revoke_access_token(jws: Jws, holder: Holder, now: datetime) -> None:
    """On the feed until its end; the record is what introspection reads."""
    try:
        expires_at = time_claim(jws.claims, "exp")
    except Malformed:
        return
    if expires_at is None or expires_at <= now:
        return
    jti = str(jws.claims["jti"])
    with transaction.atomic():
        _, is_new = RevokedToken.objects.get_or_create(
            jti=jti,
            defaults={
                "agent": holder.client_id[:CLIENT_CHARACTERS],
                "expires_at": expires_at,
                "revoked_at": now,
                "revoked_by": holder.actor,
            },
        )
        if is_new:
            append(
                "token.revoked",
                actor=holder.actor,
                subject_ids=[jti, holder.client_id],
                reason=REASON,
                payload={"jti": jti, "exp": int(expires_at.timestamp())},
                at=now,
            )
