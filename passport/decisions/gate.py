"""One request to a service, decided for its gateway: the token, its proof, its standing, its limits.

What comes in was set by the gateway; nothing else of the request is believed. One query, two
signature checks, one trip to the admission store, no write to the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from passport import conf
from passport.acceptance.access_tokens import Accepted, find_accepted
from passport.acceptance.tokens import read_ours
from passport.admission.admit import admit
from passport.admission.contract import Admission, Mode, Verdict, partition_of
from passport.admission.holders import holder_of, partition_for
from passport.admission.mode import EPOCH, current, microseconds, mode_of, needs_nonce
from passport.decisions.callers import Caller
from passport.decisions.evaluate import find_refusal
from passport.decisions.gateways import Gateway
from passport.errors import InvalidDpopProof, UseDpopNonce
from passport.limits.buckets import Bucket
from passport.limits.changes import policy_value
from passport.limits.headers import fields
from passport.limits.models import LimitPolicy
from passport.limits.policies import Holder, PolicyRow, buckets_for
from passport.proofs import nonces
from passport.proofs.dpop import Proof, check_proof
from passport.proofs.jwt import Jws
from passport.services.models import Service
from passport.standing.good import is_observing
from passport.standing.read import find_by_agent


@dataclass(frozen=True, slots=True)
class Arrived:
    """The request as it came to the gateway."""

    authorization: str | None
    proofs: tuple[str, ...]
    method: str
    uri: str
    """Path and query, as the client sent them."""
    scope: str
    """What the gateway's configuration asks for at this place."""
    cost: int = 1


class Turned(Exception):
    """Turned away. ``code`` as a service with our SDK would say it; the message goes to the caller."""

    def __init__(
        self,
        code: str,
        description: str,
        *,
        nonce: str = "",
        violated: Sequence[str] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.code, self.description = code, description
        self.nonce, self.violated, self.headers = nonce, tuple(violated), headers or {}


@dataclass(frozen=True, slots=True)
class Let:
    """Let through: who it is, for the service; what is left, for the caller."""

    identity: dict[str, str]
    limits: dict[str, str] = field(default_factory=dict)


NOBODY = "none"
"""A name that is not known is told too: else what a client wrote there would stand."""


def admit_request(gateway: Gateway, arrived: Arrived, now: datetime) -> Let:
    """Raises Turned, and TemporarilyUnavailable where no store can decide."""
    if "access_token" in parse_qs(arrived.uri.partition("?")[2], keep_blank_values=True):
        raise Turned("invalid_request", "a token in the query is read by everybody: send it in a header")
    scheme, token = _credentials(arrived.authorization)
    jws = read_ours(token)
    if jws is None:
        raise Turned("invalid_token", "not an access token of the issuer, or not signed by it")
    proof = _bound_proof(arrived, gateway, scheme, token, jws, now)
    accepted = find_accepted(jws, gateway.audience, now)
    if accepted is None:
        raise Turned("invalid_token", "the token has expired, is revoked, or is for another service")
    _check_reach(gateway, accepted, jws, proof, arrived.scope, now)
    verdict = _charge(gateway, accepted, proof, arrived, now)
    return Let(_identity(jws, accepted), fields(verdict.remaining) if verdict else {})


def _credentials(authorization: str | None) -> tuple[str, str]:
    scheme, _, token = (authorization or "").partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if "," in token:
        raise Turned("invalid_request", "send one Authorization header with one token")
    if scheme not in ("dpop", "bearer") or not token:
        raise Turned("missing", "send an access token")
    return scheme, token


def _bound_proof(
    arrived: Arrived, gateway: Gateway, scheme: str, token: str, jws: Jws, now: datetime
) -> Proof | None:
    """DPOP-15, DPOP-16, DPOP-17 at the gateway. None for a bearer token."""
    confirmation = jws.claims.get("cnf")
    if (confirmation is not None) != (scheme == "dpop"):
        words = "is bound to a key: send it as DPoP, with a proof" if confirmation else "is a bearer token"
        raise Turned("invalid_token", f"the token {words}")
    if confirmation is None:
        return None
    if not arrived.proofs:
        raise Turned("invalid_token", "the token is bound to a key: send a proof by it")
    parts = urlsplit(gateway.audience)
    url = f"{parts.scheme}://{parts.netloc}{arrived.uri.partition('?')[0]}"
    try:
        proof = check_proof(
            arrived.proofs, method=arrived.method, url=url, now=now, nonces=nonces, token=token
        )
    except UseDpopNonce as refused:
        raise Turned("use_dpop_nonce", refused.description, nonce=nonces.issue(now)) from None
    except InvalidDpopProof as refused:
        raise Turned("invalid_dpop_proof", refused.description) from None
    if proof.thumbprint != confirmation.get("jkt"):
        raise Turned("invalid_token", "the proof is by another key than the token is bound to")
    return proof


def _check_reach(
    gateway: Gateway, accepted: Accepted, jws: Jws, proof: Proof | None, scope: str, now: datetime
) -> None:
    """What the token says, and what the facts say now."""
    if scope not in str(jws.claims.get("scope", "")).split():
        raise Turned("insufficient_scope", f"the token lacks {scope}")
    standing = accepted.standing
    if standing is None:
        service = Service.objects.filter(pk=gateway.service_id, enabled=True).first()
        if service is None or (proof is None and service.dpop_bound_access_tokens_required):
            raise Turned("invalid_token", "this service takes no such token")
        return
    service_facts = standing.service
    if service_facts is None or (proof is None and service_facts.bound_tokens_required):
        raise Turned("invalid_token", "this service takes only tokens that are bound to a key")
    reason = find_refusal(standing, service_facts, Caller(gateway.service_id, gateway.audience), scope, now)
    if reason == "scope":
        raise Turned("insufficient_scope", f"{scope} is no longer granted, or needs a higher level")
    if reason:
        raise Turned("invalid_token", f"the agent is {reason} here")


def _charge(
    gateway: Gateway, accepted: Accepted, proof: Proof | None, arrived: Arrived, now: datetime
) -> Verdict | None:
    """The proof and every bucket in one step: all or nothing.

    Limits go by the agent, never by the person that it acts for: then its standing is a query more.
    """
    standing = accepted.standing or find_by_agent(accepted.holder, thumbprint=None, audience=gateway.audience)
    mode = mode_of(standing.mode, standing.mode_since) if standing else current()
    _check_fresh(proof, mode, standing.cluster_changed_at if standing else None, now)
    if standing:
        holder = holder_of(standing, now, agent_id=accepted.holder)
        buckets = _buckets(gateway, holder, standing.policies, arrived, now)
        partition, observing = partition_for(standing), is_observing(standing, now)
    else:
        buckets = _buckets(gateway, _unowned(accepted, now), _policies(gateway), arrived, now)
        partition, observing = partition_of(accepted.holder), False
    spent = (proof.spent,) if proof else ()
    if not spent and not buckets:
        return None
    verdict = admit(Admission(partition, spent, buckets, None, microseconds(now)), mode, observing=observing)
    _check_taken(verdict)
    return verdict


def _check_taken(verdict: Verdict) -> None:
    if verdict.replayed is not None:
        raise Turned("invalid_dpop_proof", "the proof was used before: sign a new one with a new jti")
    if verdict.refused is not None:
        raise Turned(
            "rate_limited",
            "too many requests: wait as long as Retry-After says",
            violated=(verdict.refused.name,),
            headers=fields(verdict.remaining, retry_after_us=max(verdict.retry_after_us, 1)),
        )


def _check_fresh(proof: Proof | None, mode: Mode, moved_at: datetime | None, now: datetime) -> None:
    """What was spent before the store began, or in another partition, is not known here."""
    if proof is None:
        return
    since = EPOCH + timedelta(microseconds=mode.since_us)
    if proof.nonce_valid:
        given_at = nonces.issued_at(proof.nonce)
        stale = any(change is not None and given_at < change for change in (since, moved_at))
    else:
        stale = needs_nonce(proof.issued_at, since, moved_at)
    if stale:
        raise Turned(
            "use_dpop_nonce",
            "what was spent before is not known here: send this answer's nonce in a proof",
            nonce=nonces.issue(now),
        )


def _buckets(
    gateway: Gateway, holder: Holder, rows: Sequence[PolicyRow], arrived: Arrived, now: datetime
) -> tuple[Bucket, ...]:
    return buckets_for(
        holder,
        rows,
        service_id=gateway.service_id,
        scope=arrived.scope,
        cost=arrived.cost,
        now=now,
        organisation_most=conf.organisation_most(),
    )


def _unowned(accepted: Accepted, now: datetime) -> Holder:
    """A client of no account, such as one that registered itself: it is its own account."""
    return Holder(accepted.holder, accepted.holder, now, "none")


def _policies(gateway: Gateway) -> list[PolicyRow]:
    return [policy_value(row) for row in LimitPolicy.objects.filter(service_id=gateway.service_id)]


def _identity(jws: Jws, accepted: Accepted) -> dict[str, str]:
    claims = jws.claims
    return {
        "Passport-Subject": str(claims.get("sub") or NOBODY),
        "Passport-Client": accepted.holder,
        "Passport-Account": str(claims.get("account") or NOBODY),
        "Passport-Scope": str(claims.get("scope") or NOBODY),
        "Passport-Token": str(claims.get("jti") or NOBODY),
    }
