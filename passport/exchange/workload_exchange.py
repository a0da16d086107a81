"""A platform's word for a workload, for a passport of the agent whose owner registered it (RFC 8693).

The workload's token says *who* runs; the passport is bound to a key all the same. That key is
one of the agent's own, or, where the owner allowed it for this workload, one that the workload
brings: then whoever holds a token of it unspent could bring theirs, so that is off by default,
the token counts once, and the key lasts a day.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction

from foundation.ledger.append import append
from passport.admission.mode import needs_nonce
from passport.agents.keys import PublicKey, parse_public_jwk
from passport.agents.models import AgentKey
from passport.agents.registration import RegistrationRefused, observe_key
from passport.credentials.passports import Issued
from passport.errors import InvalidDpopProof, InvalidRequest, InvalidTarget, TemporarilyUnavailable
from passport.exchange.charges import charge_token
from passport.exchange.exchange import check_fresh, read_proof
from passport.exchange.issued import passport_answer
from passport.exchange.issuing import (
    Wanted,
    check_issuable,
    check_key,
    choose_passport_scopes,
    write_passport,
)
from passport.exchange.policy import parse_scopes
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.proofs.dpop import Proof
from passport.proofs.jwt import MAX_TOKEN_BYTES, Jws, parse
from passport.proofs.workload_tokens import check_workload_token, issued_at
from passport.restrictions.lock import issuing_lock
from passport.standing.facts import Standing
from passport.standing.good import check_good
from passport.standing.read import find_by_agent
from passport.workloads.models import WorkloadIssuer
from passport.workloads.published import Unreachable, issuer_keys
from passport.workloads.registration import WorkloadRefused, bind_key, find_workload

log = structlog.get_logger()

RETRY_SECONDS = 60
"""A failed fetch is not repeated earlier."""


def exchange_workload(request: TokenRequest, token: str) -> Answer:
    """Raises the refusals EX-16, EX-19, EX-20, DPOP-12, CC-01, CC-02, and of the last step.

    Cost: beyond a passport by ``client_credentials`` one signature check and two queries, and the
    fetch of the issuer's keys where they are not known or no longer fresh.
    """
    jws = parse(token, max_bytes=MAX_TOKEN_BYTES)
    proof = _require_proof(request)
    workload = _find_workload(request, jws, proof)
    standing = _find_standing(request, workload, proof)
    spent = check_workload_token(
        jws,
        issuer=workload.issuer,
        keys=_keys_of(workload, jws, request.now),
        audience=request.issuer,
        now=request.now,
    )
    _check_fresh(request, standing, proof, issued_at(jws))
    if not workload.binds_keys:
        check_key(standing)
    refuse_authorization_details(request)
    if {*request.resources, *request.audiences} - {request.issuer}:
        raise InvalidTarget("a passport is for this server alone")
    check_issuable(standing, request.now)
    wanted = Wanted(standing.agent_id, proof.thumbprint, asked=parse_scopes(request.get("scope")))
    choose_passport_scopes(standing, wanted)
    verdict = charge_token(
        standing,
        agent_id=standing.agent_id,
        assertion=request.caller.spent,
        subject=(spent,),
        proof=proof,
        record=None,
        now=request.now,
    )
    issued = _write(request, workload, standing, wanted, proof, jws.claims.get("act"))
    return passport_answer(issued, verdict, request.now)


def _require_proof(request: TokenRequest) -> Proof:
    proof = read_proof(request)
    if proof is None:
        raise InvalidRequest(
            "a passport is bound to a key: send a DPoP proof by it", uri_reason="proof_missing"
        )
    return proof


def _find_workload(request: TokenRequest, jws: Jws, proof: Proof) -> WorkloadIssuer:
    """Of the agent that is named, or whose key made the proof. Nothing is fetched for any other."""
    client_id = request.caller.client_id or _owner_of(proof)
    if client_id is None:
        raise InvalidRequest("name the agent by client_id, or prove one of its registered keys")
    issuer, subject = jws.claims.get("iss"), jws.claims.get("sub")
    named = isinstance(issuer, str) and isinstance(subject, str)
    workload = find_workload(client_id, str(issuer), str(subject)) if named else None
    if workload is None:
        raise InvalidRequest(
            "this issuer and subject are not registered by the agent", uri_reason="workload_issuer_unknown"
        )
    return workload


def _owner_of(proof: Proof) -> str | None:
    rows = AgentKey.objects.filter(thumbprint=proof.thumbprint)
    client_id: str | None = rows.values_list("agent__client_id", flat=True).first()
    return client_id


def _find_standing(request: TokenRequest, workload: WorkloadIssuer, proof: Proof) -> Standing:
    standing = find_by_agent(workload.agent.client_id, thumbprint=proof.thumbprint, audience="")
    if standing is None:
        raise InvalidRequest("the agent is unknown")
    check_good(standing, request.now, refusal=InvalidRequest)
    return standing


def _keys_of(workload: WorkloadIssuer, jws: Jws, now: datetime) -> Sequence[PublicKey]:
    try:
        return issuer_keys(workload.issuer, kid=jws.kid, now=now)
    except Unreachable as failure:
        log.warning("workload_keys_unreachable", workload=workload.pk, reason=failure.reason)
        raise TemporarilyUnavailable(
            "the keys of the workload's issuer cannot be had now",
            uri_reason="workload_keys_unreachable",
            retry_after=RETRY_SECONDS,
        ) from None


def _check_fresh(request: TokenRequest, standing: Standing, proof: Proof, made_at: datetime) -> None:
    """A nonce makes the proof fresh, but says nothing of the token: an old one may have been spent."""
    check_fresh(request, standing, proof)
    if needs_nonce(made_at, standing.mode_since, standing.cluster_changed_at):
        raise InvalidRequest(
            "what was spent before is not known here: get a new workload token",
            uri_reason="workload_token_old",
        )


def _write(
    request: TokenRequest,
    workload: WorkloadIssuer,
    standing: Standing,
    wanted: Wanted,
    proof: Proof,
    said: object,
) -> Issued:
    """All of it or nothing: the key, the passport, and the record of who vouched."""
    key = None if standing.key else parse_public_jwk(proof.jwk)
    if key is not None:
        observe_key(standing.account_id, standing.environment, key, request.now)
    try:
        with transaction.atomic():
            issuing_lock(standing.account_id)
            if key is not None:
                bind_key(workload, key, now=request.now)
            issued = write_passport(
                wanted, issuer=request.issuer, actor=f"agent:{standing.agent_id}", now=request.now
            )
            _record(workload, issued, said, request.now)
    except (WorkloadRefused, RegistrationRefused) as refused:
        raise InvalidDpopProof(str(refused), uri_reason="other_key") from None
    return issued


def _record(workload: WorkloadIssuer, issued: Issued, said: object, now: datetime) -> None:
    """``act`` of the token is what a stranger wrote: kept apart as text, and nobody's authority (EX-16)."""
    WorkloadIssuer.objects.filter(pk=workload.pk).update(last_used_at=now)
    append(
        "workload.used",
        actor=f"agent:{workload.agent.client_id}",
        subject_ids=[workload.pk, workload.agent.client_id, issued.jti],
        payload={"kind": workload.kind},
        text="" if said is None else json.dumps({"act": said}),
        at=now,
    )
