"""Checks what a service presents at our own doors: its access token for ``ISS/v1``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passport.errors import AccessDenied, InvalidToken
from passport.proofs.jwt import BadSignature, Jws, Malformed, parse, text_claim, time_claim, verify
from passport.protocol import TYP_ACCESS_TOKEN
from passport.services.models import Service
from passport.signing import keys

MAX_BYTES = 4 * 1024
SKEW = timedelta(seconds=30)
SERVICE_PREFIX = "svc_"


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What the token says: signed by us, in time, for our own interface."""

    service_id: str
    scopes: frozenset[str]


def check_service_token(
    authorization: Sequence[str] | str | None, *, scope: str, issuer: str, now: datetime
) -> Service:
    """The service behind ``Authorization: Bearer …``, if it may do what ``scope`` names.

    One signature check, one query: access taken away from a service counts at once. Raises
    InvalidToken (401) and AccessDenied (403), each with its challenge (RFC 6750 section 3).
    """
    token = read_service_token(authorization, scope=scope, issuer=issuer, now=now)
    service = Service.objects.filter(pk=token.service_id, enabled=True).first()
    if service is None:
        raise _invalid("the token is not that of a service", issuer)
    if scope not in service.issuer_scopes.split():
        raise _lacking(scope, issuer)
    return service


def read_service_token(
    authorization: Sequence[str] | str | None, *, scope: str, issuer: str, now: datetime
) -> ServiceToken:
    """What the token itself says, for a caller that reads the service's row with its own query.

    One signature check, no query. Raises as ``check_service_token``.
    """
    claims = _read(_bearer(authorization, issuer), issuer).claims
    if claims.get("iss") != issuer or claims.get("aud") != f"{issuer}/v1":
        raise _invalid("the token is for another audience", issuer)
    try:
        expires_at, subject = time_claim(claims, "exp"), text_claim(claims, "sub")
        held = frozenset(text_claim(claims, "scope", most=4096).split())
    except Malformed as wrong:
        raise _invalid(wrong.reason, issuer) from wrong
    if expires_at is None or expires_at + SKEW <= now:
        raise _invalid("the token has expired", issuer)
    if "cnf" in claims:
        raise _invalid("the token is bound to a key: it is not a bearer token", issuer)
    if claims.get("client_id") != subject or not subject.startswith(SERVICE_PREFIX):
        challenge = f'Bearer realm="{issuer}", error="insufficient_scope"'
        raise AccessDenied("the token is not that of a service", headers={"WWW-Authenticate": challenge})
    if scope not in held:
        raise _lacking(scope, issuer)
    return ServiceToken(subject, held)


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
        if jws.typ != TYP_ACCESS_TOKEN or key is None or key.use != "tokens":
            raise _invalid("not an access token of ours", issuer)
        verify(jws, key.jwk, key.alg)
    except Malformed as wrong:
        raise _invalid(wrong.reason, issuer) from wrong
    except BadSignature as wrong:
        raise _invalid("the signature is wrong", issuer) from wrong
    return jws


def _lacking(scope: str, issuer: str) -> AccessDenied:
    challenge = f'Bearer realm="{issuer}", error="insufficient_scope", scope="{scope}"'
    return AccessDenied(f"the token lacks {scope}", headers={"WWW-Authenticate": challenge})


def _invalid(description: str, issuer: str) -> InvalidToken:
    challenge = f'Bearer realm="{issuer}", error="invalid_token", error_description="{description}"'
    return InvalidToken(description, headers={"WWW-Authenticate": challenge})
