"""Collects this app's periodic work: importing a module registers what it declares."""

from foundation import clock
from foundation.jobs.periodic import every
from foundation.ledger.checkpoints import checkpoint
from foundation.outbound.documents import sweep

every(20, "foundation.ledger.checkpoint")(checkpoint)


@every(3600, "foundation.outbound.sweep")
def sweep_documents() -> None:
    sweep(clock.now())
