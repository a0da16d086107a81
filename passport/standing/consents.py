"""Whether a token that a person's consent is the root of is good right now.

Other than for passports this is no single statement: such tokens are looked at more rarely,
and what decides is still read as it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.agents.clients import AGENT, OAuthClient, find_client
from passport.agents.models import AgentKey
from passport.consents.models import Consent
from passport.credentials.models import RevokedToken
from passport.services.keys import thumbprints_of
from passport.services.models import Service
from passport.signing.models import SigningKey
from passport.standing.facts import KeyFacts
from passport.standing.good import Fault, find_fault, key_fault, signer_fault
from passport.standing.read import find_by_agent
from passport.status.models import StatusEntry

ENDED = Fault("consent_ended", "the person's consent has ended")
OTHER = Fault("other_client", "the token is not one that this consent gave")
CLOSED = Fault("client_closed", "the client is no longer registered")
KEY_GONE = Fault("key_retired", "the key is no longer registered by the holder")
ACTOR = Fault("actor_restricted", "one that acts is closed, suspended or revoked")


@dataclass(frozen=True, slots=True)
class PersonToken:
    """What an access token for a person says of itself."""

    jti: str
    kid: str
    client_id: str
    """Who holds it: the newest actor, or a client that is no agent."""
    actors: Sequence[str]
    """Newest first; an agent that the person let act is the last."""
    thumbprint: str | None
    audience: str


def find_consent(status_list: int, status_index: int) -> Consent | None:
    """The consent at that place of our lists. One query."""
    place = StatusEntry.objects.filter(list_id=status_list, index=status_index)
    return Consent.objects.select_related("user").filter(id__in=place.values("root")).first()


def find_consent_fault(consent: Consent, token: PersonToken, now: datetime) -> Fault | None:
    """The first thing that makes the token not good; None when it is good. Some six queries, one more
    for each that acts on."""
    client = find_client(consent.client_id)
    return (
        _consent_fault(consent, token.audience, now)
        or _client_fault(client, token, now)
        or _key_fault(token, now)
        or _token_fault(token)
        or next(filter(None, (_actor_fault(consent, actor, now) for actor in later_actors(token))), None)
    )


def later_actors(token: PersonToken) -> Sequence[str]:
    """Those that act for the client: the person agreed to none of them by name."""
    return token.actors[:-1]


def _consent_fault(consent: Consent, audience: str, now: datetime) -> Fault | None:
    live = consent.ended_at is None and now < consent.expires_at and consent.user.is_active
    if not live:
        return ENDED
    return None if audience in consent.resources else OTHER


def _client_fault(client: OAuthClient | None, token: PersonToken, now: datetime) -> Fault | None:
    """Of the client that the person let act, also where another holds the token."""
    if client is None or not client.active:
        return CLOSED
    if client.kind != AGENT:
        return None if not token.actors and token.client_id == client.client_id else OTHER
    if not token.actors or token.actors[-1] != client.client_id or token.client_id != token.actors[0]:
        return OTHER
    standing = find_by_agent(client.client_id, thumbprint=None, audience=token.audience)
    return CLOSED if standing is None else find_fault(standing, now)


def _key_fault(token: PersonToken, now: datetime) -> Fault | None:
    """A client need not register the key that it binds a person's token to; whoever acts for it has to.

    One that is registered and retired or revoked is good for nothing.
    """
    if token.thumbprint is None:
        return None
    key = AgentKey.objects.filter(thumbprint=token.thumbprint).first()
    if key is not None:
        dates = (key.not_before, key.not_after, key.retired_at)
        return key_fault(KeyFacts(key.pk, key.thumbprint, key.effect, *dates), now)
    if later_actors(token) and not _is_key_of_service(token.client_id, token.thumbprint):
        return KEY_GONE
    return None


def _token_fault(token: PersonToken) -> Fault | None:
    signer = SigningKey.objects.filter(kid=token.kid).first()
    if signer is None:
        return Fault("signing_key_unknown", "the key that signed it is unknown")
    if RevokedToken.objects.filter(jti=token.jti).exists():
        return Fault("token_revoked", "the token is revoked")
    return signer_fault(signer.state, signer.effect)


def _actor_fault(consent: Consent, actor_id: str, now: datetime) -> Fault | None:
    """A sub-agent of the same owner, or a service that acts on."""
    standing = find_by_agent(actor_id, thumbprint=None, audience="")
    if standing is not None:
        good = find_fault(standing, now) is None and standing.environment == consent.environment
        return None if good else ACTOR
    return None if Service.objects.filter(pk=actor_id, enabled=True).exists() else ACTOR


def _is_key_of_service(service_id: str, thumbprint: str) -> bool:
    """Whether the service still has that key registered. One query."""
    service = Service.objects.filter(pk=service_id).only("jwks").first()
    return service is not None and thumbprint in thumbprints_of(service.jwks)
