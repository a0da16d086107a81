"""Collects this app's periodic work: importing a module registers what it declares."""

from foundation.jobs.periodic import every
from foundation.ledger.checkpoints import checkpoint

every(20, "foundation.ledger.checkpoint")(checkpoint)
