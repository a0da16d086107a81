"""Openly registered clients to which nobody consented within a day end (DCR-01)."""

from foundation import clock
from foundation.jobs.periodic import every
from passport.agents.open_clients import record_use, sweep_unused, unused_clients
from passport.consents.models import Consent


@every(600, "passport.consents.unused_clients")
def end_unused() -> None:
    now = clock.now()
    found = Consent.objects.filter(client_kind="open", client_id__in=unused_clients())
    record_use(found.values_list("client_id", flat=True).distinct(), now)
    sweep_unused(now)
