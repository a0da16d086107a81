"""Checks what a service presents at our own doors: its access token for ``ISS/v1``."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from passport.errors import AccessDenied, InvalidToken
from passport.proofs.jwt import BadSignature, Jws, Malformed, parse, text_claim, time_claim, verify
from passport.protocol import TYP_ACCESS_TOKEN
from passport.services.models import Service
from passport.signing import keys

MAX_BYTES = 4 * 1024
SKEW = timedelta(seconds=30)


def check_service_token(
    authorization: Sequence[str] | str | None, *, scope: str, issuer: str, now: datetime
) -> Service:
    """The service behind ``Authorization: Bearer …``, if it may do what ``scope`` names.

    One signature check, one query: access taken away from a service counts at once. Raises
    InvalidToken (401) and AccessDenied (403), each with its challenge (RFC 6750 section 3).
    """
    jws = _read(_bearer(authorization, issuer), issuer)
    claims = jws.claims
    if claims.get("iss") != issuer or claims.get("aud") != f"{issuer}/v1":
        raise _invalid("the token is for another audience", issuer)
    try:
        expires_at, subject = time_claim(claims, "exp"), text_claim(claims, "sub")
        held = text_claim(claims, "scope").split()
    except Malformed as wrong:
        raise _invalid(wrong.reason, issuer) from wrong
    if expires_at is None or expires_at + SKEW <= now:
        raise _invalid("the token has expired", issuer)
    service = Service.objects.filter(pk=subject, enabled=True).first()
    if service is None or claims.get("client_id") != subject:
        raise _invalid("the token is not that of a service", issuer)
    if scope not in held or scope not in service.issuer_scopes.split():
        challenge = f'Bearer realm="{issuer}", error="insufficient_scope", scope="{scope}"'
        raise AccessDenied(f"the token lacks {scope}", headers={"WWW-Authenticate": challenge})
    return service


def _bearer(authorization: Sequence[str] | str | None, issuer: str) -> str:
    values = [authorization] if isinstance(authorization, str) else list(authorization or ())
    if len(values) != 1 or not values[0]:
        # RFC 6750 section 3.1: without credentials the challenge names no error.
        raise InvalidToken(
            "send the token of a service as Authorization: Bearer",
            headers={"WWW-Authenticate": f'Bearer realm="{issuer}"'},
        )
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _invalid("send the token of a service as Authorization: Bearer", issuer)
    return token.strip()


def _read(token: str, issuer: str) -> Jws:
    try:
        jws = parse(token, max_bytes=MAX_BYTES)
        key = keys.find_public(jws.kid) if jws.kid else None
        if jws.typ != TYP_ACCESS_TOKEN or key is None:
            raise _invalid("not an access token of ours", issuer)
        verify(jws, key.jwk, key.alg)
    except Malformed as wrong:
        raise _invalid(wrong.reason, issuer) from wrong
    except BadSignature as wrong:
        raise _invalid("the signature is wrong", issuer) from wrong
    return jws


def _invalid(description: str, issuer: str) -> InvalidToken:
    challenge = f'Bearer realm="{issuer}", error="invalid_token", error_description="{description}"'
    return InvalidToken(description, headers={"WWW-Authenticate": challenge})
