"""Leads an owner to a provider: a committed row, a session there, the address to go to."""

from datetime import datetime

import structlog

from attestation.contract import Provider, ProviderAway, ProviderRefused
from attestation.evidence import begin as evidence
from attestation.evidence.begin import Wanted

log = structlog.get_logger()


def begin(provider: Provider, wanted: Wanted, *, return_url: str, actor: str, now: datetime) -> str:
    """The address of the provider's page. Raises NoTriesLeft, ProviderAway, ProviderRefused."""
    row = evidence.begin(wanted, actor=actor, now=now)
    try:
        started = provider.start(evidence.request_for(row, return_url))
    except ProviderAway as away:
        if away.answered:
            evidence.note_answered_error(row)
        log.warning("provider_away", provider=provider.name, attestation=row.pk, error=str(away))
        raise
    if not started.redirect_url.startswith(f"{provider.origin}/"):
        # A page may only lead where its content policy says it does.
        raise ProviderRefused("the address to go to is not the provider's")
    evidence.note_started(row, started)
    return started.redirect_url
