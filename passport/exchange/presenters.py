"""Who presents an access token for exchange, if not its holder: a sub-agent, or the service it is for."""

from dataclasses import dataclass

from passport.acting.rules import may_act, may_act_on
from passport.conf import actor_depth
from passport.errors import InvalidRequest
from passport.exchange.delegation import Chain, check_may_act, extend
from passport.exchange.exchange import check_client, find_proof, require_proof
from passport.exchange.passport_exchange import find_standing
from passport.exchange.presented import PresentedToken, kind_of, read_passport
from passport.exchange.request import TokenRequest
from passport.proofs.dpop import Proof
from passport.services.keys import thumbprints_of
from passport.services.models import Service
from passport.standing.facts import ServiceFacts, Standing
from passport.standing.good import check_good


@dataclass(frozen=True, slots=True)
class Presenter:
    """Who will hold the new token, and how it proved its key."""

    chain: Chain
    proof: Proof | None
    thumbprint: str | None


def present_as_actor(
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


def present_as_service(request: TokenRequest, standing: Standing, presented: PresentedToken) -> Presenter:
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


def check_bound_for(service: ServiceFacts | None, presenter: Presenter) -> None:
    """Raises InvalidRequest where the target takes only tokens that are bound to a key (DPOP-12)."""
    if presenter.thumbprint is None and service is not None and service.bound_tokens_required:
        raise InvalidRequest(
            "the service takes only tokens bound to a key: send a DPoP proof", uri_reason="proof_missing"
        )
