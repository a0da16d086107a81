"""What workers do for linkage: recompute where something changed, sweep up, let old signals end."""

from datetime import timedelta

from accounts.linkage.expiry import purge
from accounts.linkage.learning import in_force
from accounts.linkage.models import Environment, Signal
from accounts.linkage.observe import RECOMPUTE
from accounts.linkage.pins import end_pins
from accounts.linkage.rebuild import Wanted, rebuild, settle_everything
from accounts.linkage.settle import settle, settle_marked
from foundation import clock
from foundation.jobs.outbox import job
from foundation.jobs.periodic import every

LEFT_BEHIND = timedelta(seconds=2)
"""A mark older than this has no job of its own any more."""


@job(RECOMPUTE)
def recompute(environment: str, account_id: str) -> None:
    """Settle the neighbourhood of an account."""
    settle(environment, account_id)


@every(2, "accounts.linkage.sweep")
def sweep() -> None:
    for environment in Environment.values:
        settle_everything(environment, now=clock.now())
        settle_marked(environment, older_than=LEFT_BEHIND)


@every(86_400, "accounts.linkage.purge")
def purge_daily() -> None:
    purge(clock.now())


@every(60, "accounts.linkage.pins")
def end_pins_in_time() -> None:
    end_pins(clock.now())


@every(3_600, "accounts.linkage.rebuild")
def rebuild_hourly() -> None:
    """Find all clusters anew. What moves few accounts is applied; the rest waits for a person."""
    for environment in Environment.values:
        if Signal.objects.filter(environment=environment).exists():
            rebuild(environment, wanted=Wanted(by_policy=True, model=in_force()), now=clock.now())
