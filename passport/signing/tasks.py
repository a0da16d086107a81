"""Keys come to their end without anybody's doing."""

from foundation import clock
from foundation.jobs.periodic import every
from passport.signing import keys, life


@every(3600, "passport.signing.retire")
def retire() -> None:
    if life.retire_due(clock.now()):
        keys.forget()
