"""What comes round by itself: ends of restrictions, closing undo windows, half-full lists."""

from foundation import clock
from foundation.jobs.periodic import every
from passport.restrictions.place import expire, settle_windows
from passport.restrictions.publish import publish
from passport.status.allocate import roll_over


@every(5, "passport.restrictions.expire")
def expire_restrictions() -> None:
    while expire(clock.now()):
        pass


@every(60, "passport.restrictions.settle_windows")
def settle_undo_windows() -> None:
    settle_windows(clock.now())


@every(10, "passport.status.sweep")
def sweep_marks() -> None:
    """Marks whose job was lost."""
    publish()


@every(30, "passport.status.roll_over")
def begin_next_list() -> None:
    roll_over()
