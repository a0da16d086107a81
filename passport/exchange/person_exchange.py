"""A person's token for a narrower one: by its client, a sub-agent, or the service it is for (RFC 8693).

The person's consent is the root: it bounds services, scopes, limits and life of all that comes of
it, and its place on the status list ends all of it. Who may act for the client is the rule of the
client's owner; that a further service is reached at all is the person's own yes.
"""

from dataclasses import dataclass

from passport.agents.clients import AGENT, OAuthClient, find_client
from passport.consents.models import Consent
from passport.credentials.pairwise import pairwise_user_id
from passport.errors import InvalidRequest, InvalidTarget, UnauthorizedClient
from passport.exchange.details import meet_details
from passport.exchange.exchange import (
    Bestowed,
    bestow,
    check_client,
    choose_details,
    find_proof,
    held_by,
    require_proof,
    target_of_person,
)
from passport.exchange.person_grants import check_registered, details_for
from passport.exchange.policy import Granted, narrow, parse_scopes, parse_target
from passport.exchange.presented import PresentedToken
from passport.exchange.presenters import Presenter, check_bound_for, present_as_actor, present_as_service
from passport.exchange.request import Answer, TokenRequest
from passport.protocol import ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE
from passport.standing.consents import PersonToken, find_consent, find_consent_fault
from passport.standing.facts import Standing
from passport.standing.read import find_by_agent

UNKNOWN = "the subject_token is not known here"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exchanged: the token, the consent that it came of, and the agent that the person let act."""

    presented: PresentedToken
    consent: Consent
    client: OAuthClient
    standing: Standing
    """Of that agent; its service is the target."""


def exchange_person_token(
    request: TokenRequest, presented: PresentedToken, actor: str | None, actor_type: str | None
) -> Answer:
    """Raises the refusals EX-04, EX-08 to EX-15, EX-22, and InvalidRequest for an unknown token.

    Cost: two signature checks, one signature, some ten queries and one admission.
    """
    subject = _find_subject(request, presented)
    if actor is not None and actor_type is not None:
        presenter = present_as_actor(request, subject.standing, presented, actor, actor_type)
    elif request.caller.is_service and request.caller.client_id != presented.holder:
        presenter = present_as_service(request, subject.standing, presented)
    else:
        presenter = _present_as_holder(request, subject)
    granted = _narrow(request, subject)
    check_bound_for(subject.standing.service, presenter)
    bestowed = Bestowed(
        subject=pairwise_user_id(subject.consent.user_id, granted.audience),
        chain=presenter.chain,
        granted=granted,
        thumbprint=presenter.thumbprint,
        place=presented.place,
        root=subject.consent.pk,
        limits=presented.limits,
        details=choose_details(
            request, meet_details(presented.details, details_for(subject.consent, granted.audience))
        ),
    )
    return bestow(request, subject.standing, bestowed, presenter.proof, issued_type=ACCESS_TOKEN_TYPE)


def _find_subject(request: TokenRequest, presented: PresentedToken) -> Subject:
    consent = find_consent(presented.place.status_list, presented.place.index)
    if consent is None or presented.subject != pairwise_user_id(consent.user_id, presented.audience):
        raise InvalidRequest(UNKNOWN)
    fault = find_consent_fault(consent, _said_by(presented), request.now)
    if fault is not None:
        raise InvalidRequest(fault.words, uri_reason=fault.reason)
    client = find_client(consent.client_id)
    if client is None or client.kind != AGENT:
        raise UnauthorizedClient("the client has no account: it gets every token by the person's consent")
    standing = find_by_agent(
        client.client_id, thumbprint=presented.thumbprint, audience=request.likely_target
    )
    if standing is None:
        raise InvalidRequest(UNKNOWN)
    return Subject(presented, consent, client, standing)


def _said_by(presented: PresentedToken) -> PersonToken:
    return PersonToken(
        jti=presented.jti,
        kid=presented.kid,
        client_id=presented.client_id,
        actors=presented.chain,
        thumbprint=presented.thumbprint,
        audience=presented.audience,
    )


def _present_as_holder(request: TokenRequest, subject: Subject) -> Presenter:
    """Client and key must both be the holder's (EX-10); that its key still counts was just read."""
    presented = subject.presented
    check_client(request, presented.holder, "subject_token")
    if presented.holder == subject.client.client_id:
        check_registered(subject.client, TOKEN_EXCHANGE)
    if presented.thumbprint is not None:
        proof = require_proof(request, subject.standing, thumbprint=presented.thumbprint, of="subject_token")
        return Presenter(presented.chain, proof, proof.thumbprint)
    if not request.caller.authenticated:
        raise InvalidRequest(
            "the subject_token is bound to no key: authenticate as its client", uri_reason="other_client"
        )
    found = find_proof(request, subject.standing)
    return Presenter(presented.chain, found, found.thumbprint if found else None)


def _narrow(request: TokenRequest, subject: Subject) -> Granted:
    """Within what the token says and what the person agreed to. Raises InvalidTarget (EX-11)."""
    target = parse_target(request.resources, request.audiences)
    service = subject.standing.service
    if target not in subject.consent.resources:
        raise InvalidTarget("the person did not agree to that service")
    held = held_by(
        subject.standing,
        subject.presented.scopes & subject.consent.scope_names,
        min(subject.presented.expires_at, subject.consent.expires_at),
        request.now,
    )
    offered = target_of_person(service) if service is not None else None
    return narrow(held, parse_scopes(request.get("scope")), offered, now=request.now)
