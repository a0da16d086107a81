"""DPoP proofs (RFC 9449 section 4.3): whose key, which jti. Nothing is remembered here.

A proof is spent by the admission step, together with everything else that a request costs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from passport.errors import InvalidDpopProof, UseDpopNonce
from passport.jose import base64url, signatures
from passport.jose.keys import BadKey, PublicKey, read_public
from passport.proofs import nonces as our_nonces
from passport.proofs import urls
from passport.proofs.jwt import MAX_ASSERTION_BYTES, Jws, Malformed, parse, text_claim, time_claim
from passport.proofs.spent import Spent, spend
from passport.protocol import PROOF_ALGS, TYP_PROOF

PAST = timedelta(seconds=60)
FUTURE = timedelta(seconds=30)
MARGIN = timedelta(seconds=30)
"""Processes' clocks differ: what is spent is remembered that much longer than it is accepted."""
MAX_JTI = 256


class Nonces(Protocol):
    """`passport.proofs.nonces` is one."""

    def is_valid(self, nonce: str, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class Proof:
    thumbprint: str
    jwk: Mapping[str, str]
    jti: str
    issued_at: datetime
    """As the caller's clock has it: anything, if ``nonce_valid``."""
    spent: Spent
    nonce_valid: bool
    """A nonce of ours is in it: it is fresh whatever its clock says."""
    nonce: str = ""
    """The nonce in it, where it is valid."""


def check_proof(
    values: Sequence[str],
    *,
    method: str,
    url: str,
    now: datetime,
    nonces: Nonces,
    require_nonce: bool = False,
    token: str | None = None,
) -> Proof:
    """Check the ``DPoP`` headers of one request; one signature check.

    ``values`` are the values of all of them, ``url`` is built from our issuer, never from ``Host``.
    ``token``: the access token that comes with it, whose hash the proof must hold (section 4.3).
    Raises InvalidDpopProof, or UseDpopNonce where a fresh nonce would help.
    """
    if len(values) != 1 or "," in values[0]:
        raise InvalidDpopProof("send one DPoP header with one proof")
    try:
        jws = parse(values[0].strip(" \t"), max_bytes=MAX_ASSERTION_BYTES, allow_jwk=True)
        key = _verified_key(jws)
        jti = text_claim(jws.claims, "jti", most=MAX_JTI)
        issued_at = time_claim(jws.claims, "iat")
    except Malformed as wrong:
        raise InvalidDpopProof(f"the proof is malformed: {wrong.reason}") from None
    if issued_at is None:
        raise InvalidDpopProof("the proof has no iat")
    _check_request(jws.claims, method, url)
    if token is not None and jws.claims.get("ath") != hash_of(token):
        raise InvalidDpopProof("ath of the proof must be the hash of the access token")
    nonce_valid = _check_nonce(jws.claims, now, nonces, require_nonce)
    if not nonce_valid and not now - PAST <= issued_at <= now + FUTURE:
        raise UseDpopNonce("iat is outside the last 60 seconds; put the nonce of this answer into the proof")
    last = now + timedelta(seconds=our_nonces.LIFE_SECONDS) if nonce_valid else issued_at + PAST
    spent = spend("proof", key.thumbprint, jti, expires_at_us=int((last + MARGIN).timestamp() * 1_000_000))
    nonce = str(jws.claims["nonce"]) if nonce_valid else ""
    return Proof(key.thumbprint, key.jwk, jti, issued_at, spent, nonce_valid, nonce)


def hash_of(token: str) -> str:
    """``ath``: RFC 9449 section 4.2."""
    return base64url.encode(hashlib.sha256(token.encode("ascii")).digest())


def _verified_key(jws: Jws) -> PublicKey:
    if jws.typ != TYP_PROOF:
        raise InvalidDpopProof(f"typ of the proof must be {TYP_PROOF}")
    if jws.alg not in PROOF_ALGS:
        raise InvalidDpopProof(f"alg of the proof must be one of {' '.join(PROOF_ALGS)}")
    jwk: Any = jws.header.get("jwk")
    if not isinstance(jwk, dict):
        raise InvalidDpopProof("the proof has no jwk")
    try:
        key = read_public(jwk)
    except BadKey as bad:
        raise InvalidDpopProof(f"the jwk of the proof is refused: {bad}") from None
    if signatures.one_name(jws.alg) != key.alg:
        raise InvalidDpopProof("alg of the proof does not match its key")
    if not signatures.is_good(key.handle, key.alg, jws.signed, jws.signature):
        raise InvalidDpopProof("the proof is not signed by the key in it")
    return key


def _check_request(claims: Mapping[str, Any], method: str, url: str) -> None:
    if claims.get("htm") != method:
        raise InvalidDpopProof(f"htm of the proof must be {method}")
    htu = claims.get("htu")
    if htu == url:
        return
    if not isinstance(htu, str) or urls.normalise(htu) is None or urls.normalise(htu) != urls.normalise(url):
        raise InvalidDpopProof(f"htu of the proof must be {url}")


def _check_nonce(claims: Mapping[str, Any], now: datetime, nonces: Nonces, required: bool) -> bool:
    if "nonce" not in claims:
        if required:
            raise UseDpopNonce("put the nonce of this answer into the proof")
        return False
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not nonces.is_valid(nonce, now):
        raise UseDpopNonce("the nonce of the proof is not current; take the one of this answer")
    return True
