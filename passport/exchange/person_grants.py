"""What every grant of a person has in common: who presents, then the token pair.

A grant (code, refresh, device) goes in three steps. ``client_of`` says who asks, ``presenter_of``
whether that client and its key are good, ``issue_for_person`` gives the tokens and takes away
what paid for them. In between the grant judges its own code.

Costs an admission, a signature, some queries and one transaction: these grants write, other
than the exchange of a passport.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from passport.agents.clients import AGENT, BY_ASSERTION, OAuthClient, find_client
from passport.consents.models import Consent
from passport.consents.tokens import add_refresh_token
from passport.credentials.access_tokens import new_token_id, sign_access_token
from passport.credentials.claims import Place, scope_claim, seconds
from passport.credentials.pairwise import pairwise_id, pairwise_user_id
from passport.credentials.traces import trace_of
from passport.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidTarget,
    OAuthError,
    UnauthorizedClient,
)
from passport.exchange.details import Detail, details_claim, read_details
from passport.exchange.exchange import (
    assurance_of,
    check_fresh_since,
    choose_details,
    current_limits,
    limits_claim,
    read_proof,
    signer_for,
    target_of_person,
)
from passport.exchange.person_backing import Backing, check_backing, find_backing
from passport.exchange.person_charges import charge_for_person
from passport.exchange.policy import Granted, Held, narrow, parse_scopes
from passport.exchange.request import Answer, TokenRequest
from passport.proofs.dpop import Proof
from passport.protocol import REFRESH_TOKEN
from passport.status.allocate import allocate

LEAST_LEFT = timedelta(seconds=10)
"""A consent that ends sooner is treated as ended: its tokens would be refused on arrival."""


class Taken(InvalidGrant):
    """Somebody redeemed the same code or token first: the grant decides what that means."""


@dataclass(frozen=True, slots=True)
class Presenter:
    """The client that asks, in good standing, and the key it proved."""

    backing: Backing
    proof: Proof | None

    @property
    def client(self) -> OAuthClient:
        return self.backing.client

    @property
    def thumbprint(self) -> str:
        return self.proof.thumbprint if self.proof else ""


@dataclass(frozen=True, slots=True)
class Bestowal:
    """What the access token will say beyond who holds it."""

    granted: Granted
    details: list[dict[str, Any]] | None
    """``authorization_details``, where the person agreed to any."""
    jti: str


def client_of(request: TokenRequest, *, grant_type: str) -> OAuthClient:
    """Who asks, authenticated as registered. Raises InvalidClient, UnauthorizedClient."""
    caller = request.caller
    if caller.is_service:
        raise UnauthorizedClient("services act for themselves, not for people")
    client = find_client(caller.client_id) if caller.client_id else None
    if client is None or (client.auth_method == BY_ASSERTION and not caller.authenticated):
        raise InvalidClient("the client is unknown, or did not authenticate as registered")
    check_registered(client, grant_type)
    return client


def check_registered(client: OAuthClient, grant_type: str) -> None:
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"the client is not registered for {grant_type}")


def presenter_of(
    request: TokenRequest,
    client: OAuthClient,
    consent: Consent | None,
    *,
    refusal: type[OAuthError] = UnauthorizedClient,
) -> Presenter:
    """State of the client, then its proof (STANDARDS section 5). At most one signature check.

    ``consent`` is what it will ask under, where it is known already. Raises ``refusal`` for a
    restricted client, InvalidDpopProof, UseDpopNonce, InvalidRequest (DPOP-12).
    """
    audience = _likely_audience(request, consent)
    user_id = consent.user_id if consent else None
    backing = find_backing(client, user_id=user_id, audience=audience, now=request.now)
    check_backing(backing, request.now, refusal=refusal)
    proof = read_proof(request)
    check_fresh_since(request, proof, backing.changes)
    if proof is None and client.dpop_bound:
        raise InvalidRequest(
            "this client's tokens are bound to a key: send a DPoP proof", uri_reason="proof_missing"
        )
    return Presenter(backing, proof)


def check_bound(presenter: Presenter, thumbprint: str, of: str) -> None:
    """Raises InvalidGrant when ``of`` is bound to a key that did not prove itself (DPOP-13)."""
    if thumbprint and presenter.thumbprint != thumbprint:
        raise InvalidGrant(f"the {of} is bound to a key: send a proof by that key", uri_reason="other_key")


def check_consent(consent: Consent, client: OAuthClient, now: datetime) -> None:
    """Raises InvalidGrant for one that has ended, is another client's, or whose person is gone."""
    if consent.client_id != client.client_id:
        raise InvalidGrant("it was issued to another client", uri_reason="other_client")
    if consent.ended_at is not None:
        raise InvalidGrant("the person's consent has ended", uri_reason="consent_ended")
    if consent.expires_at - now < LEAST_LEFT:
        raise InvalidGrant("the person's consent has run out: ask again", uri_reason="consent_ended")
    if not consent.user.is_active:
        raise InvalidGrant("the person is no longer here", uri_reason="consent_ended")


def issue_for_person(
    request: TokenRequest, presenter: Presenter, consent: Consent, *, take: Callable[[], bool]
) -> Answer:
    """The token pair for a person's consent: the last steps of every such grant.

    ``resource`` and ``scope`` of the request choose within the consent. ``take`` uses up what
    paid for it (a code, a refresh token, a device code); it runs inside the transaction that
    issues and gives False when somebody was first: then nothing is issued, and Taken is raised.
    A refresh token comes where the client is registered for that grant.

    Raises InvalidGrant for a consent that ended, InvalidTarget (AC-08, RT-03, TOK-12),
    InvalidScope (RT-03, TOK-13), InvalidRequest (DPOP-12), and what ``charge`` raises.
    """
    check_consent(consent, presenter.client, request.now)
    granted = choose(request, presenter, consent)
    details = details_claim(choose_details(request, details_for(consent, granted.audience)))
    jti = new_token_id()
    verdict = charge_for_person(request, presenter.backing, presenter.proof, consent, granted, jti)
    content = _write(request, presenter, consent, Bestowal(granted, details, jti), take)
    return Answer(content, verdict)


def choose(request: TokenRequest, presenter: Presenter, consent: Consent) -> Granted:
    """Target, scopes and life, within the consent."""
    backing = presenter.backing
    audience = pick_resource(request.resources, consent.resources)
    if backing.service is None or backing.service.audience != audience:
        raise InvalidTarget("the service is no longer registered")
    if backing.service.bound_tokens_required and presenter.proof is None:
        raise InvalidRequest(
            "the service takes only tokens bound to a key: send a DPoP proof", uri_reason="proof_missing"
        )
    held = Held(
        consent.scope_names, consent.expires_at, backing.environment, backing.identity, backing.payment
    )
    return narrow(
        held, parse_scopes(request.get("scope")), target_of_person(backing.service), now=request.now
    )


def details_for(consent: Consent, audience: str) -> list[Detail]:
    """What the person agreed to at that service: its own and those that name no place."""
    agreed = read_details(consent.details) if consent.details else ()
    return [detail for detail in agreed if detail.locations is None or audience in detail.locations]


def pick_resource(asked: list[str], authorized: list[str]) -> str:
    """The one audience of the new token. Raises InvalidTarget (AC-08, RT-03)."""
    if foreign := set(asked) - set(authorized):
        raise InvalidTarget(f"not among the services that the person agreed to: {min(foreign)[:200]}")
    named = set(asked) or set(authorized)
    if len(named) != 1:
        raise InvalidTarget("a token is for one service: name one resource")
    return named.pop()


def _likely_audience(request: TokenRequest, consent: Consent | None) -> str:
    """What the read looks for; whether it is a lawful target is judged in its turn."""
    named = set(request.resources) or set(consent.resources if consent else ())
    return named.pop() if len(named) == 1 else ""


@transaction.atomic
def _write(
    request: TokenRequest,
    presenter: Presenter,
    consent: Consent,
    bestowal: Bestowal,
    take: Callable[[], bool],
) -> dict[str, Any]:
    """Under the consent's lock, so that none is issued from one that ends meanwhile."""
    locked = Consent.objects.select_for_update().filter(pk=consent.pk, ended_at=None)
    if locked.values_list("pk").first() is None:
        raise InvalidGrant("the person's consent has ended", uri_reason="consent_ended")
    if not take():
        raise Taken("it was used already", uri_reason="used_twice")
    place = _begin(consent, request.now)
    granted = bestowal.granted
    content: dict[str, Any] = {
        "access_token": _sign(request, presenter, consent, bestowal, place),
        "token_type": "DPoP" if presenter.proof else "Bearer",
        "expires_in": seconds(granted.expires_at) - seconds(request.now),
        "scope": scope_claim(granted.scopes),
    }
    if bestowal.details:
        content["authorization_details"] = bestowal.details
    if REFRESH_TOKEN in presenter.client.grant_types:
        content["refresh_token"] = add_refresh_token(
            consent, thumbprint=presenter.thumbprint, now=request.now
        )
    return content


def _begin(consent: Consent, now: datetime) -> Place:
    changes = {"last_used_at": now} if consent.begun_at else {"last_used_at": now, "begun_at": now}
    Consent.objects.filter(pk=consent.pk).update(**changes)
    return Place(*allocate(consent.pk, consent.expires_at))


def _sign(
    request: TokenRequest,
    presenter: Presenter,
    consent: Consent,
    bestowal: Bestowal,
    place: Place,
) -> str:
    """``sub`` is the person, pairwise; an agent of ours is the actor as well (STANDARDS section 4)."""
    standing, client, granted = presenter.backing.standing, presenter.client, bestowal.granted
    of_agent: dict[str, Any] = {}
    if standing is not None:
        of_agent = {
            "account": pairwise_id(standing.account_id, granted.audience),
            "assurance": assurance_of(standing, request.now),
            "limits": limits_claim(current_limits(standing, granted, request.now)),
            "trace": trace_of(standing.agent_pk, granted.audience, request.now),
        }
    return sign_access_token(
        signer_for(standing),
        issuer=request.issuer,
        subject=pairwise_user_id(consent.user_id, granted.audience),
        client_id=client.client_id,
        audience=granted.audience,
        jti=bestowal.jti,
        scopes=granted.scopes,
        thumbprint=presenter.thumbprint or None,
        act={"sub": client.client_id} if client.kind == AGENT else None,
        place=place,
        details=bestowal.details,
        issued_at=request.now,
        expires_at=granted.expires_at,
        **of_agent,
    )
