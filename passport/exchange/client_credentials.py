"""An agent or a service asks in its own name (RFC 6749 section 4.4): an access token, or a passport."""

from django.db import transaction

from passport.credentials.claims import Place
from passport.errors import InvalidRequest, InvalidTarget, OAuthError, UnauthorizedClient
from passport.exchange.charges import charge_token
from passport.exchange.exchange import (
    Bestowed,
    bestow,
    check_fresh,
    choose_details,
    granted_details,
    held_by,
    read_proof,
    target_of,
)
from passport.exchange.issued import passport_answer
from passport.exchange.issuing import (
    Wanted,
    check_attested,
    check_issuable,
    check_key,
    choose_passport_scopes,
    write_passport,
)
from passport.exchange.policy import ACCESS_TOKEN_LIFE, narrow, parse_scopes, parse_target
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.exchange.service_tokens import grant_service_token
from passport.proofs.dpop import Proof
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.standing.facts import Standing
from passport.standing.good import check_good
from passport.standing.read import find_by_agent
from passport.status.allocate import allocate


def grant_client_credentials(request: TokenRequest) -> Answer:
    """Raises UnauthorizedClient for a public client (CC-01), and the refusals of what is asked."""
    if not request.caller.authenticated:
        raise UnauthorizedClient(
            "client_credentials is for clients that authenticate", uri_reason="public_client"
        )
    wanted = request.get("requested_token_type") or ACCESS_TOKEN_TYPE
    if wanted not in (ACCESS_TOKEN_TYPE, PASSPORT_TYPE):
        raise InvalidRequest(f"requested_token_type is {ACCESS_TOKEN_TYPE} or {PASSPORT_TYPE}")
    if request.caller.is_service:
        if wanted != ACCESS_TOKEN_TYPE:
            raise UnauthorizedClient("passports are for agents")
        return grant_service_token(request)
    standing, proof = _who_asks(request)
    if wanted == PASSPORT_TYPE:
        return _grant_passport(request, standing, proof)
    return _grant_access_token(request, standing, proof)


def _who_asks(request: TokenRequest) -> tuple[Standing, Proof | None]:
    """The agent's standing with the key it proved. One query.

    The proof is read first, for its key; what is wrong with it is said after what is wrong
    with the agent (STANDARDS section 5).
    """
    proof, refusal = _try_proof(request)
    standing = find_by_agent(
        request.caller.client_id or "",
        thumbprint=proof.thumbprint if proof else None,
        audience=request.likely_target,
    )
    if standing is None:
        raise UnauthorizedClient("the agent is unknown")
    check_good(standing, request.now)
    if refusal is not None:
        raise refusal
    check_fresh(request, standing, proof)
    return standing, proof


def _try_proof(request: TokenRequest) -> tuple[Proof | None, OAuthError | None]:
    try:
        return read_proof(request), None
    except OAuthError as refusal:
        return None, refusal


def _grant_passport(request: TokenRequest, standing: Standing, proof: Proof | None) -> Answer:
    """Raises the refusals DPOP-12, CC-01, CC-02."""
    if proof is None:
        raise InvalidRequest(
            "a passport is bound to a key: send a DPoP proof by it", uri_reason="proof_missing"
        )
    key = check_key(standing)
    refuse_authorization_details(request)
    if len({*request.resources, *request.audiences}) > 1:
        raise InvalidTarget("a passport is for this server alone")
    check_issuable(standing, request.now)
    wanted = Wanted(standing.agent_id, key.thumbprint, asked=parse_scopes(request.get("scope")))
    choose_passport_scopes(standing, wanted)
    verdict = charge_token(
        standing,
        agent_id=standing.agent_id,
        assertion=request.caller.spent,
        proof=proof,
        record=None,
        now=request.now,
    )
    issued = write_passport(
        wanted, issuer=request.issuer, actor=f"agent:{standing.agent_id}", now=request.now
    )
    return passport_answer(issued, verdict, request.now)


def _grant_access_token(request: TokenRequest, standing: Standing, proof: Proof | None) -> Answer:
    """Without a passport the token hangs on the agent: its ``status`` is the agent's own."""
    check_attested(standing, request.now)
    parse_target(request.resources, request.audiences)
    target = target_of(standing.service)
    granted = narrow(
        held_by(
            standing,
            target.granted if target else frozenset(),
            request.now + ACCESS_TOKEN_LIFE,
            request.now,
        ),
        parse_scopes(request.get("scope")),
        target,
        now=request.now,
    )
    if proof is None and standing.service is not None and standing.service.bound_tokens_required:
        raise InvalidRequest(
            "the service takes only tokens bound to a key: send a DPoP proof", uri_reason="proof_missing"
        )
    bestowed = Bestowed(
        subject=standing.agent_id,
        chain=(),
        granted=granted,
        thumbprint=proof.thumbprint if proof else None,
        place=_place_of(standing),
        root=standing.agent_id,
        limits=(),
        details=choose_details(request, granted_details(standing.service)),
    )
    return bestow(request, standing, bestowed, proof, issued_type=None)


def _place_of(standing: Standing) -> Place:
    """Given at an agent's first token of this kind: the only write that such a request can cost."""
    if standing.status_list is not None and standing.status_index is not None:
        return Place(standing.status_list, standing.status_index)
    with transaction.atomic():
        return Place(*allocate(standing.agent_id, None))
