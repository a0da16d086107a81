"""Tokens by which a platform vouches for a workload: GitHub Actions, Kubernetes, SPIFFE (JWT-SVID).

Verifies only: that the issuer and the subject are registered is for the caller to know, who
also brings the issuer's keys.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from passport.errors import InvalidRequest
from passport.jose import signatures
from passport.proofs.assertions import ClientKey
from passport.proofs.jwt import BadSignature, Jws, Malformed, text_claim, time_claim, verify
from passport.proofs.spent import Spent, spend
from passport.protocol import ASSERTION_ALGS

TYPS = frozenset({"jwt", "jose", None})
"""``JOSE`` is what the JWT-SVID specification allows beside ``JWT`` (section 2.3)."""
OLDEST = timedelta(hours=1)
SKEW = timedelta(seconds=30)
MAX_KEYS_TRIED = 4
MAX_JTI = 256


def check_workload_token(
    jws: Jws, *, issuer: str, keys: Sequence[ClientKey], audience: str, now: datetime
) -> Spent:
    """Check a token of ``issuer``. Raises InvalidRequest (EX-19). At most four signature checks.

    It is good once: by its ``jti``, or where it has none by all that was signed.
    """
    if jws.typ not in TYPS:
        raise InvalidRequest("typ of a workload token is JWT or absent")
    _check_signature(jws, keys)
    try:
        if jws.claims.get("iss") != issuer:
            raise InvalidRequest("the workload token is of another issuer")
        if jws.claims.get("aud") not in (audience, [audience]):
            raise InvalidRequest(f"aud of the workload token must be {audience} and nothing else")
        last = _check_times(jws.claims, now)
        once = _once(jws)
    except Malformed as wrong:
        raise InvalidRequest(f"the workload token is malformed: {wrong.reason}") from None
    return spend("workload", issuer, once, expires_at_us=int((last + SKEW).timestamp() * 1_000_000))


def issued_at(jws: Jws) -> datetime:
    """Of a token that was checked."""
    moment = time_claim(jws.claims, "iat")
    if moment is None:
        raise ValueError("the token was not checked")
    return moment


def _check_signature(jws: Jws, keys: Sequence[ClientKey]) -> None:
    if jws.alg not in ASSERTION_ALGS:
        raise InvalidRequest(f"alg of a workload token is one of {' '.join(ASSERTION_ALGS)}")
    fitting = [key for key in keys if signatures.one_name(key.alg) == signatures.one_name(jws.alg)]
    if jws.kid is not None:
        fitting = [key for key in fitting if key.kid == jws.kid]
    for key in fitting[:MAX_KEYS_TRIED]:
        try:
            verify(jws, key.jwk, key.alg)
        except BadSignature:
            continue
        return
    raise InvalidRequest("the workload token is not signed by a key that its issuer publishes")


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    """The moment after which it would be refused for its age."""
    expires_at, made_at = time_claim(claims, "exp"), time_claim(claims, "iat")
    not_before = time_claim(claims, "nbf")
    if expires_at is None or expires_at + SKEW <= now:
        raise InvalidRequest("exp of the workload token is missing or past", uri_reason="token_expired")
    if made_at is None:
        raise InvalidRequest("the workload token has no iat: how old it is cannot be known")
    if made_at > now + SKEW or (not_before is not None and not_before > now + SKEW):
        raise InvalidRequest("the workload token is not valid yet")
    if now > made_at + OLDEST:
        raise InvalidRequest("the workload token is older than an hour", uri_reason="token_expired")
    return min(expires_at, made_at + OLDEST)


def _once(jws: Jws) -> str:
    """Not over the signature: of one ECDSA signature others can be made that are as good."""
    if "jti" in jws.claims:
        return f"jti {text_claim(jws.claims, 'jti', most=MAX_JTI)}"
    return f"sha256 {hashlib.sha256(jws.signed).hexdigest()}"
