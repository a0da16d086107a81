"""Checks what a service presents at our own doors: its access token for ``ISS/v1``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from passport.errors import AccessDenied, InvalidDpopProof, InvalidToken, OAuthError, UseDpopNonce
from passport.proofs import nonces
from passport.proofs.challenges import challenges
from passport.proofs.dpop import Proof, check_proof
from passport.proofs.jwt import BadSignature, Jws, Malformed, parse, text_claim, time_claim, verify
from passport.protocol import TYP_ACCESS_TOKEN
from passport.services.models import Service
from passport.signing import keys

MAX_BYTES = 4 * 1024
SKEW = timedelta(seconds=30)
SERVICE_PREFIX = "svc_"


@dataclass(frozen=True, slots=True)
class Presented:
    """What came with a request to our API."""

    authorization: str | None
    proofs: tuple[str, ...] = ()
    """The values of all ``DPoP`` headers."""
    method: str = "GET"
    url: str = ""
    """Of the endpoint, built from the issuer: what ``htu`` of a proof must be."""

    @classmethod
    def of(cls, headers: Mapping[str, str], *, method: str | None, url: str) -> Self:
        """Servers join repeated headers by a comma, which no proof contains."""
        proof = headers.get("DPoP")
        return cls(headers.get("Authorization"), () if proof is None else (proof,), method or "", url)


@dataclass(frozen=True, slots=True)
class OwnToken:
    """Any token for ``ISS/v1``: signed by us, in time. Whose it is, is still to be judged."""

    kid: str
    claims: Mapping[str, Any]
    scopes: frozenset[str]
    proof: Proof | None
    """By the key that the token is bound to; still to be spent by the door."""


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What the token says: signed by us, in time, for our own interface."""

    service_id: str
    scopes: frozenset[str]
    proof: Proof | None
    """By the key that the token is bound to; still to be spent by the door."""


def check_service_token(presented: Presented, *, scope: str, issuer: str, now: datetime) -> Service:
    """The service whose token came, if it may do what ``scope`` names.

    One signature check, two with a proof, one query: access taken away from a service counts at
    once. Raises InvalidToken (401) and AccessDenied (403), each with its challenges.
    """
    return find_service(
        read_service_token(presented, scope=scope, issuer=issuer, now=now), scope=scope, issuer=issuer
    )


def find_service(token: ServiceToken, *, scope: str, issuer: str) -> Service:
    """The service as it is now. Raises InvalidToken, AccessDenied."""
    service = Service.objects.filter(pk=token.service_id, enabled=True).first()
    if service is None:
        raise invalid_token("the token is not that of a service", issuer, scope)
    if scope not in service.issuer_scopes.split():
        raise lacking_scope(scope, issuer)
    return service


def read_service_token(presented: Presented, *, scope: str, issuer: str, now: datetime) -> ServiceToken:
    """What the token itself says, for a caller that reads the service's row with its own query.

    One signature check, two with a proof, no query. Raises as ``check_service_token``, and
    InvalidDpopProof and UseDpopNonce with 401.
    """
    token = read_own_token(presented, scope=scope, issuer=issuer, now=now)
    subject = str(token.claims["sub"])
    if token.claims.get("client_id") != subject or not subject.startswith(SERVICE_PREFIX):
        said = challenges(issuer, scope=scope, error="insufficient_scope")
        raise AccessDenied("the token is not that of a service", headers=said)
    if scope not in token.scopes:
        raise lacking_scope(scope, issuer)
    return ServiceToken(subject, token.scopes, token.proof)


def read_own_token(presented: Presented, *, scope: str, issuer: str, now: datetime) -> OwnToken:
    """A token for our own API, whoever's. One signature check, two with a proof, no query.

    ``scope`` is what the challenges name. Raises InvalidToken, InvalidDpopProof, UseDpopNonce.
    """
    scheme, text = _credentials(presented.authorization, issuer, scope)
    jws = _read(text, issuer, scope)
    claims = jws.claims
    if claims.get("iss") != issuer or claims.get("aud") != f"{issuer}/v1":
        raise invalid_token("the token is for another audience", issuer, scope)
    try:
        expires_at, _ = time_claim(claims, "exp"), text_claim(claims, "sub")
        held = frozenset(text_claim(claims, "scope", most=4096).split())
    except Malformed as wrong:
        raise invalid_token(wrong.reason, issuer, scope) from wrong
    if expires_at is None or expires_at + SKEW <= now:
        raise invalid_token("the token has expired", issuer, scope)
    proof = _bound_proof(presented, scheme, text, claims, issuer=issuer, scope=scope, now=now)
    return OwnToken(str(jws.kid), claims, held, proof)


def _credentials(authorization: str | None, issuer: str, scope: str) -> tuple[str, str]:
    """Scheme, in small letters, and token. Without a token the challenges name no error."""
    scheme, _, token = (authorization or "").partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme not in ("bearer", "dpop") or not token:
        raise InvalidToken(
            "send a token for this API as Authorization: Bearer, or DPoP with a proof",
            headers=challenges(issuer, scope=scope),
        )
    return scheme, token


def _bound_proof(
    presented: Presented,
    scheme: str,
    token: str,
    claims: Mapping[str, Any],
    *,
    issuer: str,
    scope: str,
    now: datetime,
) -> Proof | None:
    """A bound token comes with a proof by its key, and no other way (RFC 9449 section 7)."""
    bound = "cnf" in claims
    if bound != (scheme == "dpop"):
        words = "is bound to a key: send it as DPoP, with a proof" if bound else "is a bearer token"
        raise invalid_token(f"the token {words}", issuer, scope)
    if not bound:
        return None
    if not presented.proofs:
        raise invalid_token("the token is bound to a key: send a proof by it", issuer, scope)
    try:
        proof = check_proof(
            presented.proofs,
            method=presented.method,
            url=presented.url,
            now=now,
            nonces=nonces,
            token=token,
        )
    except (InvalidDpopProof, UseDpopNonce) as refusal:
        raise unproven(refusal, issuer=issuer, scope=scope, now=now) from None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.get("jkt") != proof.thumbprint:
        raise invalid_token("the proof is by another key than the token is bound to", issuer, scope)
    return proof


def unproven(refusal: OAuthError, *, issuer: str, scope: str, now: datetime) -> OAuthError:
    """The refusal of a proof as a resource server says it: 401, with challenges and a nonce."""
    refusal.status = 401
    refusal.headers |= challenges(issuer, scope=scope, error=refusal.code)
    refusal.headers["DPoP-Nonce"] = nonces.issue(now)
    return refusal


def _read(token: str, issuer: str, scope: str) -> Jws:
    try:
        jws = parse(token, max_bytes=MAX_BYTES)
        key = keys.find_public(jws.kid) if jws.kid else None
        if jws.typ != TYP_ACCESS_TOKEN or key is None or key.use != "tokens":
            raise invalid_token("not an access token of ours", issuer, scope)
        verify(jws, key.jwk, key.alg)
    except Malformed as wrong:
        raise invalid_token(wrong.reason, issuer, scope) from wrong
    except BadSignature as wrong:
        raise invalid_token("the signature is wrong", issuer, scope) from wrong
    return jws


def lacking_scope(scope: str, issuer: str) -> AccessDenied:
    return AccessDenied(
        f"the token lacks {scope}", headers=challenges(issuer, scope=scope, error="insufficient_scope")
    )


def invalid_token(description: str, issuer: str, scope: str) -> InvalidToken:
    return InvalidToken(
        description, headers=challenges(issuer, scope=scope, error="invalid_token", description=description)
    )
