"""An access token for a narrower one: by its holder for another service, or by a sub-agent (RFC 8693)."""

from passport.errors import InvalidRequest
from passport.exchange.details import meet_details
from passport.exchange.exchange import (
    Bestowed,
    bestow,
    check_client,
    choose_details,
    find_proof,
    granted_details,
    held_by,
    require_proof,
    target_of,
)
from passport.exchange.passport_exchange import exchange_passport
from passport.exchange.person_exchange import exchange_person_token
from passport.exchange.policy import Granted, narrow, parse_scopes, parse_target
from passport.exchange.presented import PresentedToken, kind_of, read_access_token
from passport.exchange.presenters import Presenter, check_bound_for, present_as_actor, present_as_service
from passport.exchange.renewal import renew_passport
from passport.exchange.request import Answer, TokenRequest
from passport.exchange.workload_exchange import exchange_workload
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.standing.facts import Standing
from passport.standing.good import check_good, holds_key
from passport.standing.read import find_by_token


def exchange_token(request: TokenRequest) -> Answer:
    """The grant ``token-exchange``, told apart by what is presented and asked (EX-01, EX-02, EX-07)."""
    token, token_type = request.require("subject_token"), request.require("subject_token_type")
    actor, actor_type = request.get("actor_token"), request.get("actor_token_type")
    if (actor is None) != (actor_type is None):
        raise InvalidRequest("actor_token comes with actor_token_type, and neither without the other")
    wanted = request.get("requested_token_type") or ACCESS_TOKEN_TYPE
    if wanted not in (ACCESS_TOKEN_TYPE, PASSPORT_TYPE):
        raise InvalidRequest(f"requested_token_type is {ACCESS_TOKEN_TYPE} or {PASSPORT_TYPE}")
    kind = kind_of(token, token_type, issuer=request.issuer, name="subject_token")
    if kind == "workload":
        return _from_workload(request, token, wanted, actor)
    if wanted == PASSPORT_TYPE:
        return _renew(request, token, kind, actor)
    if kind == "access_token":
        return exchange_access_token(request, token, actor, actor_type)
    if actor is not None:
        raise InvalidRequest("a passport is for its own agent: give a sub-agent an access token")
    return exchange_passport(request, token)


def _from_workload(request: TokenRequest, token: str, wanted: str, actor: str | None) -> Answer:
    if wanted != PASSPORT_TYPE or actor is not None:
        raise InvalidRequest(
            f"a workload token gives a passport first: requested_token_type is {PASSPORT_TYPE}"
        )
    return exchange_workload(request, token)


def _renew(request: TokenRequest, token: str, kind: str, actor: str | None) -> Answer:
    if kind != "passport" or actor is not None:
        raise InvalidRequest("a passport is renewed by a passport, and by its own agent")
    return renew_passport(request, token)


def exchange_access_token(
    request: TokenRequest, token: str, actor: str | None, actor_type: str | None
) -> Answer:
    """Raises the refusals EX-09 to EX-18, EX-22.

    Cost: as for a passport; for a sub-agent one more signature check and two more queries, for a
    service that acts on two more queries.
    """
    presented = read_access_token(token, issuer=request.issuer, now=request.now)
    standing = _find_standing(request, presented)
    if standing is None:
        # No agent's credential is the root of it: a person's consent may be.
        return exchange_person_token(request, presented, actor, actor_type)
    check_good(standing, request.now, refusal=InvalidRequest)
    if actor is not None and actor_type is not None:
        presenter = present_as_actor(request, standing, presented, actor, actor_type)
    elif request.caller.is_service and request.caller.client_id != presented.holder:
        presenter = present_as_service(request, standing, presented)
    else:
        presenter = _present_as_holder(request, standing, presented)
    granted = _narrow(request, standing, presented)
    check_bound_for(standing.service, presenter)
    root = standing.passport.jti if standing.passport else standing.agent_id
    bestowed = Bestowed(
        subject=presented.subject,
        chain=presenter.chain,
        granted=granted,
        thumbprint=presenter.thumbprint,
        place=presented.place,
        root=root,
        limits=presented.limits,
        details=choose_details(request, meet_details(presented.details, granted_details(standing.service))),
    )
    return bestow(request, standing, bestowed, presenter.proof, issued_type=ACCESS_TOKEN_TYPE)


def _find_standing(request: TokenRequest, presented: PresentedToken) -> Standing | None:
    """None where the root is no agent or passport. Raises InvalidRequest for a subject that is not its."""
    standing = find_by_token(
        presented.place.status_list,
        presented.place.index,
        jti=presented.jti,
        kid=presented.kid,
        thumbprint=presented.thumbprint,
        actors=presented.chain,
        audience=request.likely_target,
    )
    if standing is not None and standing.agent_id != presented.subject:
        raise InvalidRequest("the subject_token is not known here")
    return standing


def _present_as_holder(request: TokenRequest, standing: Standing, presented: PresentedToken) -> Presenter:
    """Client and key must both be the holder's (EX-10): whoever was shown a token is neither."""
    check_client(request, presented.holder, "subject_token")
    if presented.thumbprint is not None:
        proof = require_proof(request, standing, thumbprint=presented.thumbprint, of="subject_token")
        if not holds_key(standing, presented.holder, presented.thumbprint):
            raise InvalidRequest("the key is no longer registered by the holder", uri_reason="key_retired")
        return Presenter(presented.chain, proof, proof.thumbprint)
    if not request.caller.authenticated:
        raise InvalidRequest(
            "the subject_token is bound to no key: authenticate as its client", uri_reason="other_client"
        )
    found = find_proof(request, standing)
    return Presenter(presented.chain, found, found.thumbprint if found else None)


def _narrow(request: TokenRequest, standing: Standing, presented: PresentedToken) -> Granted:
    """The root bounds all that came from it, the subject token what comes from that."""
    parse_target(request.resources, request.audiences)
    scopes, expires_at = presented.scopes, presented.expires_at
    if standing.passport is not None:
        scopes &= standing.passport.scopes
        expires_at = min(expires_at, standing.passport.expires_at)
    return narrow(
        held_by(standing, scopes, expires_at, request.now),
        parse_scopes(request.get("scope")),
        target_of(standing.service),
        now=request.now,
    )
