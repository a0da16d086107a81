"""Finds out what no webhook told us: unfinished proofs are asked for, lost events are listed."""

from datetime import timedelta
from typing import Final

import structlog

from attestation.contract import ProviderError
from attestation.evidence.life import UNFINISHED
from attestation.evidence.models import Attestation
from attestation.inbox.apply import ask_to_refresh, store
from attestation.providers.registry import providers
from foundation import clock
from foundation.jobs.periodic import every

log = structlog.get_logger()

UNFINISHED_SECONDS: Final = 600
LOST_SECONDS: Final = 86400
AT_ONCE: Final = 500
"""Asked for in one round: providers allow a few dozen requests a second."""


@every(UNFINISHED_SECONDS, "attestation.reconcile")
def ask_for_unfinished() -> int:
    """Queue a fetch of what has not moved for a round, longest untouched first."""
    quiet_since = clock.now() - timedelta(seconds=UNFINISHED_SECONDS)
    rows = Attestation.objects.filter(
        state__in=UNFINISHED, updated_at__lte=quiet_since, provider__in=[p.name for p in providers()]
    ).exclude(subject_ref="")
    found = list(rows.order_by("updated_at").values_list("pk", flat=True)[:AT_ONCE])
    for attestation_id in found:
        ask_to_refresh(attestation_id)
    # Asked for is not moved: without this the same ones would be asked for in each round.
    Attestation.objects.filter(pk__in=found, state__in=UNFINISHED).update(updated_at=clock.now())
    return len(found)


@every(LOST_SECONDS, "attestation.lost_events")
def take_lost_events() -> int:
    """Store what the providers could not deliver in the last two days."""
    since, taken = clock.now() - timedelta(days=2), 0
    for provider in providers():
        try:
            events = provider.list_events(since) or []
        except ProviderError as failure:
            log.warning("provider_away", provider=provider.name, error=type(failure).__name__)
            continue
        store(provider.name, events, clock.now())
        taken += len(events)
    return taken
