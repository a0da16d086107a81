"""Spends the proof that came with a token to our own API: it counts once, at whichever door."""

from datetime import datetime, timedelta

from passport.admission.admit import admit
from passport.admission.contract import Admission, Verdict, partition_of
from passport.admission.mode import EPOCH, current, microseconds, needs_nonce
from passport.errors import InvalidDpopProof, UseDpopNonce
from passport.limits.buckets import Bucket
from passport.proofs import nonces
from passport.proofs.dpop import Proof
from passport.proofs.service_tokens import (
    Presented,
    ServiceToken,
    find_service,
    read_service_token,
    unproven,
)
from passport.services.models import Service


def admit_service(presented: Presented, *, scope: str, issuer: str, now: datetime) -> Service:
    """The service whose token came, if it may do what ``scope`` names; its proof is spent.

    Raises InvalidToken, InvalidDpopProof, UseDpopNonce (401), AccessDenied (403).
    """
    token = read_service_token(presented, scope=scope, issuer=issuer, now=now)
    service = find_service(token, scope=scope, issuer=issuer)
    spend_proof(token, issuer=issuer, scope=scope, now=now)
    return service


def spend_proof(token: ServiceToken, *, issuer: str, scope: str, now: datetime) -> None:
    """Nothing to do for a Bearer token. Raises InvalidDpopProof and UseDpopNonce with 401."""
    if token.proof is not None:
        spend_at_api(token.service_id, token.proof, (), issuer=issuer, scope=scope, now=now)


def spend_at_api(
    holder: str, proof: Proof | None, buckets: tuple[Bucket, ...], *, issuer: str, scope: str, now: datetime
) -> Verdict:
    """The proof and the limits of one call, all or nothing; a limit that is reached is in the verdict.

    Raises InvalidDpopProof and UseDpopNonce with 401, TemporarilyUnavailable.
    """
    mode = current()
    if proof and _may_have_been_spent(proof, EPOCH + timedelta(microseconds=mode.since_us)):
        refusal = UseDpopNonce("what was spent before is not known here: send this answer's nonce in a proof")
        raise unproven(refusal, issuer=issuer, scope=scope, now=now)
    spent = (proof.spent,) if proof else ()
    verdict = admit(Admission(partition_of(holder), spent, buckets, None, microseconds(now)), mode)
    if not verdict.taken and verdict.refused is None:
        used = InvalidDpopProof("the proof was used before", uri_reason="proof_replayed")
        raise unproven(used, issuer=issuer, scope=scope, now=now)
    return verdict


def _may_have_been_spent(proof: Proof, since: datetime) -> bool:
    """Before the store that now decides began, unknown to it."""
    if proof.nonce_valid:
        return nonces.issued_at(proof.nonce) < since
    return needs_nonce(proof.issued_at, since)
