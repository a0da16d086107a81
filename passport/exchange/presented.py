"""Subject and actor tokens of ours: signature, typ, issuer, life. Any fault is invalid_request (RFC 8693).

Whether what they name is still good is the business of standing.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from passport.credentials.claims import Place
from passport.errors import InvalidRequest
from passport.exchange import details
from passport.exchange.delegation import Chain, holder, parse_act, parse_may_act
from passport.exchange.policy import Limit
from passport.proofs.jwt import (
    MAX_TOKEN_BYTES,
    BadSignature,
    Jws,
    Malformed,
    parse,
    text_claim,
    time_claim,
    verify,
)
from passport.protocol import ACCESS_TOKEN_TYPE, JWT_TYPE, PASSPORT_TYPE, TYP_ACCESS_TOKEN, TYP_PASSPORT
from passport.signing.keys import find_public

SKEW = timedelta(seconds=30)
CHECKED_MOST = 10_000
"""Digests of passports whose signature was checked: some 5 MB."""


@dataclass(frozen=True, slots=True)
class PresentedPassport:
    jti: str
    agent_id: str
    thumbprint: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token of ours."""

    jti: str
    kid: str
    subject: str
    client_id: str
    audience: str
    scopes: frozenset[str]
    thumbprint: str | None
    chain: Chain
    place: Place
    limits: tuple[Limit, ...]
    details: tuple[details.Detail, ...]
    may_act: str | None
    """The one that the token itself names as its next actor (RFC 8693 section 4.4)."""
    issued_at: datetime
    expires_at: datetime

    @property
    def holder(self) -> str:
        return holder(self.chain, subject=self.subject)


class Checked:
    """Remembers by digest what a token said whose signature was good: that cannot change. Bounded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[bytes, PresentedPassport] = OrderedDict()
        self._lock = Lock()

    def find(self, digest: bytes) -> PresentedPassport | None:
        with self._lock:
            found = self._held.get(digest)
            if found is not None:
                self._held.move_to_end(digest)
            return found

    def keep(self, digest: bytes, presented: PresentedPassport) -> None:
        with self._lock:
            self._held[digest] = presented
            if len(self._held) > self._most:
                self._held.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


checked = Checked(CHECKED_MOST)


def read_passport(
    token: str, *, issuer: str, now: datetime, expired_too: bool = False, name: str = "subject_token"
) -> PresentedPassport:
    """At most one signature check, no query. Raises InvalidRequest (EX-03, EX-17).

    That its signing key was withdrawn since is a fact that standing reads.
    """
    digest = hashlib.sha256(token.encode()).digest()
    presented = checked.find(digest)
    if presented is None:
        presented = _passport(_verified(token, TYP_PASSPORT, issuer, name), issuer, name)
        checked.keep(digest, presented)
    if not expired_too and presented.expires_at <= now:
        raise InvalidRequest(f"the {name} is expired", uri_reason="passport_expired")
    return presented


def read_access_token(token: str, *, issuer: str, now: datetime) -> PresentedToken:
    """One signature check. Raises InvalidRequest (EX-17, EX-18)."""
    jws = _verified(token, TYP_ACCESS_TOKEN, issuer, "subject_token")
    try:
        presented = _access_token(jws, issuer)
    except Malformed as wrong:
        raise InvalidRequest(f"the subject_token cannot be exchanged: {wrong.reason}") from None
    if presented.expires_at <= now:
        raise InvalidRequest("the subject_token is expired", uri_reason="token_expired")
    return presented


def kind_of(token: str, token_type: str, *, issuer: str, name: str) -> str:
    """``passport``, ``access_token`` or ``workload``, where type and token agree (EX-01).

    The type ``jwt`` is a passport of ours, or a workload's token, told apart by ``iss`` and
    ``typ``. Raises InvalidRequest.
    """
    if token_type == PASSPORT_TYPE:
        return "passport"
    if token_type == ACCESS_TOKEN_TYPE:
        return "access_token"
    if token_type != JWT_TYPE:
        raise InvalidRequest(f"{name}_type is one of: {PASSPORT_TYPE} {ACCESS_TOKEN_TYPE} {JWT_TYPE}")
    jws = _parsed(token, name)
    if jws.claims.get("iss") != issuer:
        return "workload"
    if jws.typ != TYP_PASSPORT:
        raise InvalidRequest(f"as {JWT_TYPE} only a passport or a workload's token is taken")
    return "passport"


def _parsed(token: str, name: str) -> Jws:
    try:
        return parse(token, max_bytes=MAX_TOKEN_BYTES)
    except Malformed as wrong:
        raise InvalidRequest(f"the {name} is not a JWT that we read: {wrong.reason}") from None


def _verified(token: str, typ: str, issuer: str, name: str) -> Jws:
    jws = _parsed(token, name)
    if jws.typ != typ:
        raise InvalidRequest(f"typ of the {name} is not {typ}: its type says so")
    key = find_public(jws.kid) if jws.kid else None
    if key is None or key.use != "tokens":
        raise InvalidRequest(f"the {name} names no signing key of ours", uri_reason="signing_key_unknown")
    try:
        verify(jws, key.jwk, key.alg)
    except BadSignature:
        raise InvalidRequest(f"the signature of the {name} is wrong") from None
    if jws.claims.get("iss") != issuer:
        raise InvalidRequest(f"the {name} is of another issuer")
    return jws


def _passport(jws: Jws, issuer: str, name: str) -> PresentedPassport:
    if jws.claims.get("aud") != issuer:
        raise InvalidRequest(f"aud of the {name} is not this server")
    try:
        return PresentedPassport(
            jti=text_claim(jws.claims, "jti"),
            agent_id=text_claim(jws.claims, "sub"),
            thumbprint=_thumbprint(jws.claims) or "",
            expires_at=_time(jws.claims, "exp"),
        )
    except Malformed as wrong:
        raise InvalidRequest(f"the {name} is not a passport: {wrong.reason}") from None


def _access_token(jws: Jws, issuer: str) -> PresentedToken:
    claims = jws.claims
    return PresentedToken(
        jti=text_claim(claims, "jti"),
        kid=jws.kid or "",
        subject=text_claim(claims, "sub"),
        client_id=text_claim(claims, "client_id"),
        audience=text_claim(claims, "aud"),
        scopes=frozenset(text_claim(claims, "scope", most=4096).split()),
        thumbprint=_thumbprint(claims),
        chain=parse_act(claims.get("act")),
        place=_place(claims, issuer),
        limits=read_limits(claims.get("limits")),
        details=_details(claims),
        may_act=parse_may_act(claims.get("may_act")),
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
    )


def _details(claims: Mapping[str, Any]) -> tuple[details.Detail, ...]:
    if "authorization_details" not in claims:
        return ()
    try:
        return details.read_details(claims["authorization_details"])
    except details.Malformed:
        raise Malformed("it has authorization_details that are not read here") from None


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    moment = time_claim(claims, name)
    if moment is None:
        raise Malformed(f"it has no {name}")
    return moment


def _thumbprint(claims: Mapping[str, Any]) -> str | None:
    confirmation = claims.get("cnf")
    if confirmation is None:
        return None
    if not isinstance(confirmation, Mapping):
        raise Malformed("cnf is not an object")
    return text_claim(confirmation, "jkt", most=43)


def _place(claims: Mapping[str, Any], issuer: str) -> Place:
    """Tokens for our own endpoints have none; they are not for exchange."""
    try:
        entry = claims["status"]["status_list"]
        number = entry["uri"].removeprefix(f"{issuer}/status/")
        place = Place(int(number), entry["idx"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Malformed("it has no status of ours") from None
    if type(place.index) is not int or not 0 <= place.index < 2**31 or not 0 <= place.status_list < 2**31:
        raise Malformed("it has no status of ours")
    return place


def read_limits(claim: Any) -> tuple[Limit, ...]:
    """Of a token that we signed, or a row that we wrote."""
    return tuple(Limit(limit["scope"], limit["policy"], limit["q"], limit["w"]) for limit in claim or ())
