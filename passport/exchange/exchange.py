"""The hot path: what every exchange of a credential has in common, step by step (STANDARDS section 5).

One exchange costs one or two signature checks (three with an assertion), one signature, one
SQL read and one script of the admission store; no write to the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from passport.admission.contract import Verdict
from passport.admission.mode import needs_nonce, seconds_until_new
from passport.credentials.access_tokens import new_token_id, sign_access_token
from passport.credentials.claims import Assurance, Place, assurance_claim, scope_claim, seconds
from passport.credentials.pairwise import pairwise_id
from passport.credentials.traces import trace_of
from passport.errors import InvalidRequest, TemporarilyUnavailable, UseDpopNonce
from passport.exchange.charges import charge_token, own_thumbprints
from passport.exchange.delegation import Chain, act_claim, holder
from passport.exchange.details import (
    TYPES,
    Detail,
    details_claim,
    narrow_details,
    parse_details,
    read_details,
)
from passport.exchange.policy import Granted, Held, Limit, Needs, Target, clip_limits
from passport.exchange.request import Answer, TokenRequest
from passport.limits.buckets import Level
from passport.limits.policies import REQUESTS, PolicyRow, matching, resolve
from passport.proofs import nonces
from passport.proofs.dpop import Proof, check_proof
from passport.signing.keys import NoKey, Signer, active
from passport.standing.facts import ServiceFacts, Standing
from passport.standing.good import current_levels

OLDEST_UNDATED_ASSERTION = timedelta(seconds=330)
"""An assertion without ``iat`` may have been accepted for the first time so long ago."""


@dataclass(frozen=True, slots=True)
class Bestowed:
    """What the new token will say, once it is charged."""

    subject: str
    chain: Chain
    granted: Granted
    thumbprint: str | None
    place: Place
    root: str
    """The passport's jti, or the agent's id."""
    limits: Sequence[Limit]
    details: Sequence[Detail] = ()


def find_proof(request: TokenRequest, standing: Standing) -> Proof | None:
    """The DPoP proof of the request, where a header came, good and fresh."""
    proof = read_proof(request)
    check_fresh(request, standing, proof)
    return proof


def read_proof(request: TokenRequest) -> Proof | None:
    """One signature check. Raises InvalidDpopProof, UseDpopNonce."""
    if not request.proofs:
        return None
    return check_proof(
        request.proofs, method="POST", url=request.token_endpoint, now=request.now, nonces=nonces
    )


def check_fresh(request: TokenRequest, standing: Standing, proof: Proof | None) -> None:
    """Raises UseDpopNonce for a proof or an assertion that may have been spent unknown to this server.

    That is: before the account last changed its partition, or before the admission mode
    (DESIGN section 5). TemporarilyUnavailable (503) for an assertion that no nonce can clear.
    """
    changes = [change for change in (standing.mode_since, standing.cluster_changed_at) if change]
    own_key = proof is not None and proof.thumbprint in own_thumbprints(standing)
    check_fresh_since(request, proof, changes, own_key=own_key)


def check_fresh_since(
    request: TokenRequest, proof: Proof | None, changes: Sequence[datetime], *, own_key: bool = False
) -> None:
    """The same, where it is known since when spent proofs are remembered. A later nonce clears the proof.

    It clears the assertion as well where the proof is by a registered key of the caller
    (``own_key``). Anybody has some key: one of a thief's own makes no stolen assertion fresh.
    """
    if proof is not None:
        _check_proof_fresh(request, proof, changes, own_key=own_key)
    if not own_key:
        _check_assertion_fresh(request, changes)


def _check_proof_fresh(
    request: TokenRequest, proof: Proof, changes: Sequence[datetime], *, own_key: bool
) -> None:
    if proof.nonce_valid:
        if any(nonces.issued_at(proof.nonce) < change for change in changes):
            raise UseDpopNonce("the nonce is from before a change here: send this answer's nonce in a proof")
        return
    made_at = [proof.issued_at]
    if own_key and request.caller.spent:
        made_at.append(request.caller.issued_at or request.now - OLDEST_UNDATED_ASSERTION)
    if any(needs_nonce(moment, *changes) for moment in made_at):
        raise UseDpopNonce("what was spent before is not known here: send this answer's nonce in a proof")


def _check_assertion_fresh(request: TokenRequest, changes: Sequence[datetime]) -> None:
    """An assertion has no place for a nonce of ours: its client waits until a new one is surely new.

    Raises TemporarilyUnavailable (503), which says how long.
    """
    if not request.caller.spent:
        return
    age = timedelta() if request.caller.issued_at else OLDEST_UNDATED_ASSERTION
    if needs_nonce(request.caller.issued_at or request.now - age, *changes):
        raise TemporarilyUnavailable(
            "what was used before is not known here: wait, then send a new assertion with an iat of then",
            uri_reason="assertion_unknown",
            retry_after=seconds_until_new(request.now - age, *changes),
        )


def require_proof(request: TokenRequest, standing: Standing, *, thumbprint: str, of: str) -> Proof:
    """The proof by that very key. Raises InvalidRequest (EX-05, EX-10)."""
    proof = find_proof(request, standing)
    if proof is None:
        raise InvalidRequest(
            f"the {of} is bound to a key: send a DPoP proof by it", uri_reason="proof_missing"
        )
    if proof.thumbprint != thumbprint:
        raise InvalidRequest(f"the proof is by another key than the {of} is bound to", uri_reason="other_key")
    return proof


def check_client(request: TokenRequest, agent_id: str, of: str) -> None:
    """Raises InvalidRequest when somebody else authenticated, or claims to be (EX-06, EX-10)."""
    if request.caller.client_id not in (None, agent_id):
        raise InvalidRequest(f"the {of} belongs to another client", uri_reason="other_client")


def held_by(standing: Standing, scopes: frozenset[str], expires_at: datetime, now: datetime) -> Held:
    identity, payment = current_levels(standing, now)
    return Held(scopes, expires_at, standing.environment, identity, payment)


def target_of(service: ServiceFacts | None) -> Target | None:
    if service is None:
        return None
    needs = {name: Needs(*least) for name, least in service.offered.items()}
    return Target(service.audience, service.environment, service.enabled, needs, service.granted)


def target_of_person(service: ServiceFacts) -> Target:
    """A person's consent is the grant: whatever the service offers can be agreed to."""
    needs = {name: Needs(*least) for name, least in service.offered.items()}
    return Target(service.audience, service.environment, service.enabled, needs, frozenset(needs))


def granted_details(service: ServiceFacts | None) -> tuple[Detail, ...]:
    """What the owner lets the agent spend and move at that service."""
    return read_details(service.details) if service is not None and service.details else ()


def choose_details(request: TokenRequest, held: Sequence[Detail]) -> tuple[Detail, ...]:
    """What is asked, or all that is held. Raises InvalidAuthorizationDetails (EX-13)."""
    raw = request.get("authorization_details")
    return narrow_details(held, () if raw is None else parse_details(raw, types=TYPES))


def limits_on(
    rows: Iterable[PolicyRow], service_id: str, scopes: Iterable[str], *, identity: str, now: datetime
) -> list[Limit]:
    """The limits of a service on each agent of an owner of that identity level, for these scopes."""
    rows = list(rows)
    return [
        Limit(scope, terms.name, terms.quota, terms.window_seconds)
        for scope in sorted(scopes)
        for terms in resolve(matching(rows, service_id, scope), Level.CREDENTIAL, identity, now)
        if terms.unit == REQUESTS
    ]


def current_limits(standing: Standing, granted: Granted, now: datetime) -> list[Limit]:
    if standing.service is None:
        return []
    identity, _ = current_levels(standing, now)
    return limits_on(standing.policies, standing.service.id, granted.scopes, identity=identity, now=now)


def bestow(
    request: TokenRequest,
    standing: Standing,
    bestowed: Bestowed,
    proof: Proof | None,
    *,
    issued_type: str | None,
) -> Answer:
    """The last steps: charge and record, then sign. Raises what ``charge`` raises."""
    jti = new_token_id()
    signer = signer_of(standing)
    presenter = holder(bestowed.chain, subject=bestowed.subject)
    verdict = _charge(request, standing, bestowed, proof, jti, presenter)
    token = sign_access_token(
        signer,
        issuer=request.issuer,
        subject=bestowed.subject,
        client_id=presenter,
        audience=bestowed.granted.audience,
        jti=jti,
        scopes=bestowed.granted.scopes,
        thumbprint=bestowed.thumbprint,
        act=act_claim(bestowed.chain),
        place=bestowed.place,
        account=pairwise_id(standing.account_id, bestowed.granted.audience),
        assurance=assurance_of(standing, request.now),
        limits=limits_claim(
            clip_limits(bestowed.limits, current_limits(standing, bestowed.granted, request.now))
        ),
        details=details_claim(bestowed.details),
        trace=trace_of(standing.agent_pk, bestowed.granted.audience, request.now),
        issued_at=request.now,
        expires_at=bestowed.granted.expires_at,
    )
    content: dict[str, Any] = {
        "access_token": token,
        "token_type": "DPoP" if bestowed.thumbprint else "Bearer",
        "expires_in": seconds(bestowed.granted.expires_at) - seconds(request.now),
        "scope": scope_claim(bestowed.granted.scopes),
    }
    if issued_type is not None:
        content["issued_token_type"] = issued_type
    if bestowed.details:
        content["authorization_details"] = details_claim(bestowed.details)
    return Answer(content, verdict)


def _charge(
    request: TokenRequest,
    standing: Standing,
    bestowed: Bestowed,
    proof: Proof | None,
    jti: str,
    presenter: str,
) -> Verdict:
    return charge_token(
        standing,
        agent_id=presenter,
        assertion=request.caller.spent,
        proof=proof,
        record={
            "jti": jti,
            "root": bestowed.root,
            "account_id": standing.account_id,
            "agent": presenter,
            "audience": bestowed.granted.audience,
            "scopes": scope_claim(bestowed.granted.scopes),
            "issued_at": seconds(request.now),
            "expires_at": seconds(bestowed.granted.expires_at),
        },
        now=request.now,
    )


def assurance_of(standing: Standing, now: datetime) -> dict[str, dict[str, str]]:
    """Of a level that lapsed, how and when it was reached says nothing about the one that is left."""
    held = standing.levels
    identity, payment = current_levels(standing, now)
    lapsed = identity != held.identity
    return assurance_claim(
        Assurance(
            identity,
            "" if lapsed else held.identity_method,
            None if lapsed else held.identity_at,
            payment,
            held.payment_at if payment == held.payment else None,
        )
    )


def signer_of(standing: Standing) -> Signer:
    """What signs now, by the fact just read. Raises TemporarilyUnavailable where there is no key."""
    try:
        return active(kid=standing.signing_kid or None)
    except NoKey:
        raise TemporarilyUnavailable("no key signs yet", uri_reason="no_signing_key") from None


def signer_for(standing: Standing | None) -> Signer:
    """The same, also where no agent was read."""
    if standing is not None:
        return signer_of(standing)
    try:
        return active()
    except NoKey:
        raise TemporarilyUnavailable("no key signs yet", uri_reason="no_signing_key") from None


def limits_claim(limits: Sequence[Limit]) -> list[dict[str, str | int]]:
    return [
        {"scope": limit.scope, "policy": limit.policy, "q": limit.quota, "w": limit.window_seconds}
        for limit in limits
    ]
