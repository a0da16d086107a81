"""Assertions by which a client authenticates (RFC 7523 section 3).

After rfc7523bis the audience is the issuer alone: an endpoint's URL would let one server use
at another what it was given.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from passport.errors import InvalidClient
from passport.jose import signatures
from passport.jose.keys import jwk_of
from passport.jose.signatures import generate
from passport.proofs.jwt import BadSignature, Jws, Malformed, text_claim, time_claim, verify
from passport.proofs.spent import Spent, spend
from passport.protocol import ASSERTION_ALGS, TYP_ASSERTION

TYPS = frozenset({TYP_ASSERTION, "jwt", None})
SKEW = timedelta(seconds=30)
FRESH = timedelta(seconds=300)
LONGEST = timedelta(seconds=3600)
"""From ``iat`` to ``exp``: the default of Authlib. How long it can be used is bounded by FRESH."""
MAX_KEYS_TRIED = 4
MAX_JTI = 256


class ClientKey(Protocol):
    """A key of the client that is good now."""

    @property
    def kid(self) -> str: ...
    @property
    def jwk(self) -> Mapping[str, Any]: ...
    @property
    def alg(self) -> str: ...


def check_assertion(
    jws: Jws, *, client_id: str, keys: Sequence[ClientKey], issuer: str, now: datetime
) -> Spent:
    """Check the assertion of ``client_id``, whose usable keys are ``keys``. Raises InvalidClient.

    At most four signature checks. The claims are judged after the signature, so that what is
    answered about them is told to the holder of the key alone.
    """
    if jws.typ not in TYPS:
        raise InvalidClient(f"typ of the assertion must be {TYP_ASSERTION}, JWT or absent")
    if jws.alg not in ASSERTION_ALGS:
        raise InvalidClient(f"alg of the assertion must be one of {' '.join(ASSERTION_ALGS)}")
    _check_signature(jws, keys)
    try:
        _check_parties(jws.claims, client_id, issuer)
        last = _check_times(jws.claims, now)
        jti = text_claim(jws.claims, "jti", most=MAX_JTI)
    except Malformed as wrong:
        raise InvalidClient(f"the assertion is malformed: {wrong.reason}") from None
    return spend("assertion", client_id, jti, expires_at_us=int((last + SKEW).timestamp() * 1_000_000))


def _check_signature(jws: Jws, keys: Sequence[ClientKey]) -> None:
    fitting = [key for key in keys if signatures.one_name(key.alg) == signatures.one_name(jws.alg)]
    if jws.kid is not None:
        fitting = [key for key in fitting if key.kid == jws.kid]
    candidates = [(key.jwk, key.alg) for key in fitting[:MAX_KEYS_TRIED]]
    for jwk, alg in candidates or [(_decoy(signatures.one_name(jws.alg)), jws.alg)]:
        try:
            verify(jws, jwk, alg)
        except BadSignature:
            continue
        if candidates:
            return
    raise InvalidClient("the client is unknown, or the assertion is not signed by an active key of it")


@lru_cache
def _decoy(alg: str) -> dict[str, str]:
    """A key of nobody, tried where there is none: an unknown client costs what a known one does."""
    return jwk_of(generate(alg).public_key())


def _check_parties(claims: Mapping[str, Any], client_id: str, issuer: str) -> None:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient("iss and sub of the assertion must both be the client_id")
    if claims.get("aud") not in (issuer, [issuer]):
        raise InvalidClient(f"aud of the assertion must be {issuer} and nothing else")


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    """The moment after which it would be refused for its age."""
    expires_at, issued_at = time_claim(claims, "exp"), time_claim(claims, "iat")
    not_before = time_claim(claims, "nbf")
    if expires_at is None or expires_at + SKEW <= now:
        raise InvalidClient("exp of the assertion is missing or past")
    if not_before is not None and not_before > now + SKEW:
        raise InvalidClient("nbf of the assertion is in the future")
    if issued_at is None:
        if expires_at > now + FRESH:
            raise InvalidClient("an assertion without iat may last at most 300 seconds")
        return expires_at + SKEW
    if issued_at > now + SKEW:
        raise InvalidClient("iat of the assertion is in the future")
    if expires_at - issued_at > LONGEST:
        raise InvalidClient("the assertion may last at most 3600 seconds")
    if now > issued_at + FRESH:
        raise InvalidClient("the assertion was made more than 300 seconds ago")
    return min(expires_at + SKEW, issued_at + FRESH)
