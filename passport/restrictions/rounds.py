"""What comes round by itself: ends of restrictions, closing undo windows, half-full lists."""

from foundation import clock
from foundation.jobs.periodic import every
from passport.restrictions.place import expire, settle_windows
from passport.restrictions.publish import compare, publish_aging
from passport.status.allocate import roll_over
from passport.status.sign import list_numbers, prune_deltas


@every(5, "passport.restrictions.expire")
def expire_restrictions() -> None:
    while expire(clock.now()):
        pass


@every(60, "passport.restrictions.settle_windows")
def settle_undo_windows() -> None:
    settle_windows(clock.now())


@every(10, "passport.status.sign")
def sign_lists() -> None:
    """Carries over marks whose job was lost, then signs what ages."""
    publish_aging()


@every(600, "passport.status.compare")
def compare_lists() -> None:
    for number in list_numbers():
        compare(number, clock.now())


@every(30, "passport.status.roll_over")
def begin_next_list() -> None:
    roll_over()


@every(300, "passport.status.prune")
def forget_deltas() -> None:
    prune_deltas(clock.now())
