"""What workers do for linkage: recompute where something changed, sweep up, let old signals end."""

from accounts.linkage.observe import RECOMPUTE
from accounts.linkage.settle import settle
from foundation.jobs.outbox import job


@job(RECOMPUTE)
def recompute(environment: str, account_id: str) -> None:
    """Settle the neighbourhood of an account."""
    settle(environment, account_id)
