"""Revocation by the holder (RFC 7009): a passport ends with all that came from it, an access token alone."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from foundation import clock
from foundation.ledger.append import append
from passport.credentials.models import Passport, RevokedToken
from passport.errors import InvalidClient, InvalidRequest, UnsupportedTokenType
from passport.fields import Effect
from passport.oauth.answers import NO_STORE
from passport.oauth.clients import Anonymous, Authenticated, authenticate
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.oauth.presented import read_ours
from passport.oauth.spending import spend
from passport.proofs.jwt import Jws, Malformed, time_claim
from passport.protocol import TYP_ACCESS_TOKEN, TYP_PASSPORT
from passport.restrictions.place import SubjectRef, place

REASON = "holder_request"


@oauth_door("POST")
def revoke(request: HttpRequest) -> HttpResponse:
    """``token_type_hint`` is read by nobody: a token tells its kind itself (REV-02)."""
    now = clock.now()
    form = read_form(request)
    caller = authenticate(form, request, now)
    if isinstance(caller, Anonymous):
        raise InvalidClient("authenticate to revoke: agents by assertion, services also by secret")
    token = form.require("token")
    spend(caller, now)
    jws = read_ours(token)
    if jws is not None:
        revoke_token(jws, caller, now)
    return HttpResponse(status=200, headers=NO_STORE)


def revoke_token(jws: Jws, caller: Authenticated, now: datetime) -> None:
    """Revoke a token that we signed. Once or often is the same.

    Raises InvalidRequest for another client's token, UnsupportedTokenType for other kinds.
    """
    if jws.typ == TYP_PASSPORT:
        _check_own(jws.claims.get("sub"), caller)
        _revoke_passport(str(jws.claims["jti"]), caller, now)
    elif jws.typ == TYP_ACCESS_TOKEN:
        _check_own(jws.claims.get("client_id"), caller)
        _revoke_access_token(jws, caller, now)
    else:
        raise UnsupportedTokenType("only passports and access tokens are revoked here")


def _check_own(client_id: object, caller: Authenticated) -> None:
    if client_id != caller.client_id:
        raise InvalidRequest("the token was issued to another client")


def _revoke_passport(jti: str, caller: Authenticated, now: datetime) -> None:
    row = Passport.objects.filter(jti=jti, effect__lt=Effect.REVOKE).values("account_id").first()
    if row is None:
        return
    place(
        [SubjectRef("passport", jti, row["account_id"])],
        effect=Effect.REVOKE,
        reason=REASON,
        actor=_actor(caller),
        now=now,
        final=True,
    )


def _revoke_access_token(jws: Jws, caller: Authenticated, now: datetime) -> None:
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
                "agent": caller.client_id,
                "expires_at": expires_at,
                "revoked_at": now,
                "revoked_by": _actor(caller),
            },
        )
        if is_new:
            append(
                "token.revoked",
                actor=_actor(caller),
                subject_ids=[jti, caller.client_id],
                reason=REASON,
                payload={"jti": jti, "exp": int(expires_at.timestamp())},
                at=now,
            )


def _actor(caller: Authenticated) -> str:
    return f"{'agent' if caller.agent else 'service'}:{caller.client_id}"
