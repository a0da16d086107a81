"""Whether a token that a person's consent is the root of is good right now.

Other than for passports this is no single statement: introspection of such tokens is rarer,
and what decides is still read as it stands.
"""

from datetime import datetime

from passport.agents.clients import find_client
from passport.consents.models import Consent
from passport.credentials.models import RevokedToken
from passport.signing.models import SigningKey
from passport.standing.good import find_fault, signer_fault
from passport.standing.read import find_by_agent
from passport.status.models import StatusEntry


def is_consent_good(
    status_list: int,
    status_index: int,
    *,
    jti: str,
    kid: str,
    client_id: str,
    audience: str,
    now: datetime,
) -> bool:
    """For the token ``jti`` at ``audience``, signed by ``kid``, held by ``client_id``. Some five queries."""
    place = StatusEntry.objects.filter(list_id=status_list, index=status_index)
    consent = Consent.objects.select_related("user").filter(id__in=place.values("root")).first()
    if consent is None or not _stands(consent, client_id, audience, now):
        return False
    signer = SigningKey.objects.filter(kid=kid).first()
    if signer is None or signer_fault(signer.state, signer.effect) is not None:
        return False
    return not RevokedToken.objects.filter(jti=jti).exists() and _client_stands(client_id, audience, now)


def _stands(consent: Consent, client_id: str, audience: str, now: datetime) -> bool:
    live = consent.ended_at is None and now < consent.expires_at and consent.user.is_active
    return live and consent.client_id == client_id and audience in consent.resources


def _client_stands(client_id: str, audience: str, now: datetime) -> bool:
    client = find_client(client_id)
    if client is None or not client.active:
        return False
    if client.account_id is None:
        return True
    standing = find_by_agent(client_id, thumbprint=None, audience=audience)
    return standing is not None and find_fault(standing, now) is None
