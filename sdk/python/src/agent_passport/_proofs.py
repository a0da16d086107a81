"""Checking a proof of possession at a service: RFC 9449 sections 4.3 and 7. Pure but for the clock given.

Whether the proof was seen before is for the replay store; here it gets the key to ask with.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest

from agent_passport import _jws
from agent_passport._jwk import BadKey, BadSignature, PublicKey, parse_public
from agent_passport._nonces import STEP_SECONDS, Nonces
from agent_passport._protocol import PROOF_TYP
from agent_passport._refusals import Refused
from agent_passport._target import normalise

OLD_SECONDS = 60
AHEAD_SECONDS = 30
REMEMBER_SECONDS = OLD_SECONDS + AHEAD_SECONDS + 2 * STEP_SECONDS
"""How long a spent proof is remembered: no proof, by its time or by its nonce, passes for longer."""


@dataclass(frozen=True, slots=True)
class Proof:
    thumbprint: str
    replay_key: bytes
    issued_at: int
    token_hash: str | None
    """``ath``."""
    has_nonce: bool
    """A nonce of ours that is still good: then ``iat`` was not judged."""


def check_proof(
    values: Sequence[str],
    *,
    method: str,
    url: str,
    token_hash: str,
    now: float,
    nonces: Nonces,
    nonce_required: bool = False,
) -> Proof:
    """``url`` is where the request came in, by the service's own configuration. Raises Refused."""
    proof = read_proof(values, method=method, url=url, now=now, nonces=nonces, nonce_required=nonce_required)
    if proof.token_hash is None or not compare_digest(proof.token_hash.encode(), token_hash.encode()):
        raise _bad("ath is missing, or of another token")
    return proof


def read_proof(
    values: Sequence[str], *, method: str, url: str, now: float, nonces: Nonces, nonce_required: bool = False
) -> Proof:
    """All of RFC 9449 section 4.3 but the token that goes with it. Raises Refused."""
    jws, key = _read(values)
    _check_target(jws, method, url)
    jti, issued_at = jws.claims.get("jti"), jws.claims.get("iat")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        raise _bad("jti is missing or too long")
    if not _jws.is_time(issued_at):
        raise _bad("iat is missing or no integer")
    issued_at = int(str(issued_at))
    has_nonce = _check_time(jws, issued_at, now, nonces, nonce_required)
    # A thumbprint has 43 characters, so the pair has one spelling.
    spent = hashlib.sha256(f"{key.thumbprint}{jti}".encode()).digest()
    ath = jws.claims.get("ath")
    return Proof(key.thumbprint, spent, issued_at, ath if isinstance(ath, str) else None, has_nonce)


def _read(values: Sequence[str]) -> tuple[_jws.Jws, PublicKey]:
    if len(values) != 1 or "," in values[0]:
        raise _bad("send one DPoP header with one proof")
    try:
        jws = _jws.parse(values[0], max_bytes=_jws.PROOF_BYTES, allow_jwk=True)
        if jws.typ != PROOF_TYP:
            raise _bad("typ is not dpop+jwt")
        key = parse_public(jws.header.get("jwk"))
        key.verify(jws.alg, jws.signed, jws.signature)
    except (_jws.Malformed, BadKey, BadSignature) as error:
        raise _bad(str(error)) from error
    return jws, key


def _check_target(jws: _jws.Jws, method: str, url: str) -> None:
    if jws.claims.get("htm") != method:
        raise _bad("htm is not the method of the request")
    htu = jws.claims.get("htu")
    try:
        same = isinstance(htu, str) and (htu == url or normalise(htu) == normalise(url))
    except ValueError:
        same = False
    if not same:
        raise _bad("htu is not the URL of the request")


def _check_time(jws: _jws.Jws, issued_at: int, now: float, nonces: Nonces, nonce_required: bool) -> bool:
    """A good nonce says when the proof was made, whatever the clock of the agent says."""
    nonce = jws.claims.get("nonce")
    if isinstance(nonce, str) and nonces.is_valid(nonce, now):
        return True
    if nonce is not None or nonce_required:
        raise new_nonce(nonces, now, "the nonce is missing, old or not ours")
    if not now - OLD_SECONDS <= issued_at <= now + AHEAD_SECONDS:
        raise new_nonce(nonces, now, "iat is too old or in the future")
    return False


def new_nonce(nonces: Nonces, now: float, description: str) -> Refused:
    return Refused("use_dpop_nonce", description, nonce=nonces.issue(now))


def _bad(description: str) -> Refused:
    return Refused("invalid_dpop_proof", description)
