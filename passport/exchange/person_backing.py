"""Who stands behind a client that acts for a person, and what that person or owner has proven.

Behind an agent stands its account, with everything that is restricted of it. Behind a client
without an account stands nobody but the person who lets it act: their own levels count.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.owners.members import accounts_owned_by
from attestation.evidence.standing import NOTHING_PROVEN, levels_of
from attestation.levels import IDENTITY, PAYMENT
from passport.admission.contract import Mode
from passport.admission.mode import current, mode_of
from passport.admission.models import AdmissionMode
from passport.agents.clients import OAuthClient
from passport.errors import InvalidClient, OAuthError, UnauthorizedClient
from passport.standing.facts import ServiceFacts, Standing
from passport.standing.good import check_good, current_levels
from passport.standing.read import find_by_agent
from passport.standing.services import find_services


@dataclass(frozen=True, slots=True)
class Backing:
    client: OAuthClient
    standing: Standing | None
    """Of an agent; None for a client without an account."""
    service: ServiceFacts | None
    """The service at the audience that was asked for."""
    identity: str
    payment: str
    mode: Mode
    changes: tuple[datetime, ...]
    """Since when what was spent is known: proofs from before need a nonce."""

    @property
    def environment(self) -> str:
        """A client without an account has none of its own, and goes by the service's."""
        if self.standing is not None:
            return self.standing.environment
        return self.service.environment if self.service else ""


def find_backing(client: OAuthClient, *, user_id: str | None, audience: str, now: datetime) -> Backing:
    """One query for an agent, some five for another client. ``user_id`` None: no person is known yet.

    Raises InvalidClient for an agent that is gone.
    """
    if client.account_id is not None:
        return _of_agent(client, audience, now)
    service = find_services([audience]).get(audience) if audience else None
    identity, payment = levels_of_person(user_id, service.environment if service else "", now)
    row = AdmissionMode.objects.filter(pk=1).first()
    mode = mode_of(row.mode, row.since) if row else current()
    return Backing(client, None, service, identity, payment, mode, (row.since,) if row else ())


def _of_agent(client: OAuthClient, audience: str, now: datetime) -> Backing:
    standing = find_by_agent(client.client_id, thumbprint=None, audience=audience)
    if standing is None:
        raise InvalidClient("the client is unknown")
    identity, payment = current_levels(standing, now)
    changes = tuple(change for change in (standing.mode_since, standing.cluster_changed_at) if change)
    mode = mode_of(standing.mode, standing.mode_since)
    return Backing(client, standing, standing.service, identity, payment, mode, changes)


def check_backing(backing: Backing, now: datetime, *, refusal: type[OAuthError] = UnauthorizedClient) -> None:
    """Raises ``refusal`` for a client that is closed, or whose account or agent is restricted."""
    if backing.standing is not None:
        check_good(backing.standing, now, refusal=refusal)
    elif not backing.client.active:
        raise refusal("the client is no longer registered", uri_reason="client_closed")


def levels_of_person(user_id: str | None, environment: str, now: datetime) -> tuple[str, str]:
    """The levels of the best proven account that the person owns; else what everybody has who signs in."""
    held = [NOTHING_PROVEN]
    if user_id is not None and environment:
        held += [levels_of(account_id, environment, now) for account_id in accounts_owned_by(user_id)]
    best = max(held, key=lambda levels: (IDENTITY.index(levels.identity), PAYMENT.index(levels.payment)))
    return best.identity, best.payment
