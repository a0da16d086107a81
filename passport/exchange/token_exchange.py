"""An access token for a narrower one: by its holder for another service, or by a sub-agent (RFC 8693)."""

from dataclasses import dataclass

from passport.errors import InvalidRequest
from passport.exchange.delegation import Chain, extend
from passport.exchange.exchange import (
    Bestowed,
    bestow,
    check_client,
    find_proof,
    held_by,
    require_proof,
    target_of,
)
from passport.exchange.passport_exchange import exchange_passport, find_standing
from passport.exchange.policy import Granted, narrow, parse_scopes, parse_target
from passport.exchange.presented import PresentedToken, kind_of, read_access_token, read_passport
from passport.exchange.renewal import renew_passport
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.proofs.dpop import Proof
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.standing.facts import Standing
from passport.standing.good import check_good
from passport.standing.read import find_by_token


@dataclass(frozen=True, slots=True)
class Presenter:
    """Who will hold the new token, and how it proved its key."""

    chain: Chain
    proof: Proof | None
    thumbprint: str | None


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
    if wanted == PASSPORT_TYPE:
        return _renew(request, token, kind, actor)
    if kind == "access_token":
        return exchange_access_token(request, token, actor, actor_type)
    if actor is not None:
        raise InvalidRequest("a passport is for its own agent: give a sub-agent an access token")
    return exchange_passport(request, token)


def _renew(request: TokenRequest, token: str, kind: str, actor: str | None) -> Answer:
    if kind != "passport" or actor is not None:
        raise InvalidRequest("a passport is renewed by a passport, and by its own agent")
    return renew_passport(request, token)


def exchange_access_token(
    request: TokenRequest, token: str, actor: str | None, actor_type: str | None
) -> Answer:
    """Raises the refusals EX-09 to EX-18, EX-22.

    Cost: as for a passport; with an actor one more signature check and one more query.
    """
    presented = read_access_token(token, issuer=request.issuer, now=request.now)
    standing = _find_standing(request, presented)
    check_good(standing, request.now, refusal=InvalidRequest)
    if actor is None or actor_type is None:
        presenter = _present_as_holder(request, standing, presented)
    else:
        presenter = _present_as_actor(request, standing, presented, actor, actor_type)
    refuse_authorization_details(request)
    granted = _narrow(request, standing, presented)
    root = standing.passport.jti if standing.passport else standing.agent_id
    bestowed = Bestowed(
        subject=presented.subject,
        chain=presenter.chain,
        granted=granted,
        thumbprint=presenter.thumbprint,
        place=presented.place,
        root=root,
        limits=presented.limits,
    )
    return bestow(request, standing, bestowed, presenter.proof, issued_type=ACCESS_TOKEN_TYPE)


def _find_standing(request: TokenRequest, presented: PresentedToken) -> Standing:
    standing = find_by_token(
        presented.place.status_list,
        presented.place.index,
        jti=presented.jti,
        kid=presented.kid,
        thumbprint=presented.thumbprint,
        actors=presented.chain,
        audience=request.likely_target,
    )
    if standing is None or standing.agent_id != presented.subject:
        raise InvalidRequest("the subject_token is not known here")
    return standing


def _present_as_holder(request: TokenRequest, standing: Standing, presented: PresentedToken) -> Presenter:
    """Client and key must both be the holder's (EX-10): a service that was shown a token is neither."""
    check_client(request, presented.holder, "subject_token")
    if presented.thumbprint is not None:
        proof = require_proof(request, standing, thumbprint=presented.thumbprint, of="subject_token")
        return Presenter(presented.chain, proof, proof.thumbprint)
    if not request.caller.authenticated:
        raise InvalidRequest(
            "the subject_token is bound to no key: authenticate as its client", uri_reason="other_client"
        )
    found = find_proof(request, standing)
    return Presenter(presented.chain, found, found.thumbprint if found else None)


def _present_as_actor(
    request: TokenRequest, standing: Standing, presented: PresentedToken, actor: str, actor_type: str
) -> Presenter:
    """A sub-agent shows its own passport and proves its own key (EX-15, EX-22).

    The owner's rule: agents of one account and environment may act for each other, no others.
    """
    if kind_of(actor, actor_type, issuer=request.issuer, name="actor_token") != "passport":
        raise InvalidRequest("the actor_token is the passport of the sub-agent")
    theirs = read_passport(actor, issuer=request.issuer, now=request.now, name="actor_token")
    check_client(request, theirs.agent_id, "actor_token")
    acting, passport = find_standing(theirs.jti, audience=request.likely_target)
    check_good(acting, request.now, refusal=InvalidRequest)
    if (acting.account_id, acting.environment) != (standing.account_id, standing.environment):
        raise InvalidRequest("this agent may not act for that one", uri_reason="actor_not_permitted")
    proof = require_proof(request, acting, thumbprint=passport.key_thumbprint, of="actor_token")
    chain = extend(presented.chain, subject=presented.subject, actor=theirs.agent_id)
    return Presenter(chain, proof, proof.thumbprint)


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
