"""An access token for a narrower one: by its holder for another service, or by a sub-agent (RFC 8693)."""

from dataclasses import dataclass

from passport.acting.rules import may_act, may_act_on
from passport.conf import actor_depth
from passport.errors import InvalidRequest
from passport.exchange.delegation import Chain, check_may_act, extend
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
from passport.exchange.passport_exchange import exchange_passport, find_standing
from passport.exchange.policy import Granted, narrow, parse_scopes, parse_target
from passport.exchange.presented import PresentedToken, kind_of, read_access_token, read_passport
from passport.exchange.renewal import renew_passport
from passport.exchange.request import Answer, TokenRequest
from passport.exchange.workload_exchange import exchange_workload
from passport.proofs.dpop import Proof
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.services.keys import thumbprints_of
from passport.services.models import Service
from passport.standing.facts import Standing
from passport.standing.good import check_good, holds_key
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
    check_good(standing, request.now, refusal=InvalidRequest)
    if actor is not None and actor_type is not None:
        presenter = _present_as_actor(request, standing, presented, actor, actor_type)
    elif request.caller.is_service and request.caller.client_id != presented.holder:
        presenter = _present_as_service(request, standing, presented)
    else:
        presenter = _present_as_holder(request, standing, presented)
    granted = _narrow(request, standing, presented)
    _check_bound(standing, presenter)
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


def _present_as_actor(
    request: TokenRequest, standing: Standing, presented: PresentedToken, actor: str, actor_type: str
) -> Presenter:
    """A sub-agent shows its own passport and proves its own key (EX-15, EX-22).

    The owner must have allowed it to act for whoever holds the token, in the same account and
    environment; and ``may_act`` of the token, where it has one, must name it.
    """
    if kind_of(actor, actor_type, issuer=request.issuer, name="actor_token") != "passport":
        raise InvalidRequest("the actor_token is the passport of the sub-agent")
    theirs = read_passport(actor, issuer=request.issuer, now=request.now, name="actor_token")
    check_client(request, theirs.agent_id, "actor_token")
    acting, passport = find_standing(theirs.jti, audience=request.likely_target)
    check_good(acting, request.now, refusal=InvalidRequest)
    chain = _extend(presented, theirs.agent_id)
    same_owner = (acting.account_id, acting.environment) == (standing.account_id, standing.environment)
    if not same_owner or not may_act(presented.holder, theirs.agent_id):
        raise InvalidRequest("this agent may not act for that one", uri_reason="actor_not_permitted")
    proof = require_proof(request, acting, thumbprint=passport.key_thumbprint, of="actor_token")
    return Presenter(chain, proof, proof.thumbprint)


def _present_as_service(request: TokenRequest, standing: Standing, presented: PresentedToken) -> Presenter:
    """The service that the token is for acts on, where the agent's owner allowed it (EX-10).

    It authenticates; for a bound token it proves a key that it registered, to which the new one
    is bound (EX-22).
    """
    service = Service.objects.filter(pk=request.caller.client_id, enabled=True).first()
    if service is None or service.audience != presented.audience:
        raise InvalidRequest("the subject_token belongs to another client", uri_reason="other_client")
    chain = _extend(presented, service.pk)
    if not may_act_on(presented.holder, service.pk):
        raise InvalidRequest(
            "the agent's owner has not allowed this service to act on", uri_reason="actor_not_permitted"
        )
    proof = find_proof(request, standing)
    if proof is None and presented.thumbprint is not None:
        raise InvalidRequest(
            "the subject_token is bound to a key: send a DPoP proof by one of the service's keys",
            uri_reason="proof_missing",
        )
    if proof is not None and proof.thumbprint not in thumbprints_of(service.jwks):
        raise InvalidRequest("the proof is by no key that the service registered", uri_reason="other_key")
    return Presenter(chain, proof, proof.thumbprint if proof else None)


def _extend(presented: PresentedToken, actor: str) -> Chain:
    check_may_act(presented.may_act, actor)
    return extend(presented.chain, subject=presented.subject, actor=actor, most=actor_depth())


def _check_bound(standing: Standing, presenter: Presenter) -> None:
    service = standing.service
    if presenter.thumbprint is None and service is not None and service.bound_tokens_required:
        raise InvalidRequest(
            "the service takes only tokens bound to a key: send a DPoP proof", uri_reason="proof_missing"
        )


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
