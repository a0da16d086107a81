"""Who asks in the replay, and when: one actor behind 25,000 accounts, and 5,000 who are nobody's."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from passport.limits.policies import Holder, Policy, Pool

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR_US = 3_600_000_000
HYDRA, INNOCENTS = 25_000, 5_000
A_DAY = 26
"""Requests of each account of the hydra."""
BOUGHT = 250
"""Of the hydra's accounts are old and have a document of their own: each keeps a floor."""
WRONGLY_LINKED = 25
"""Innocents that linkage puts into the hydra's cluster: half a percent, far more than it was seen to."""
VOUCHED_FOR = 15
"""Of those have a document of their own, and have had their account for 90 days."""

EACH_AGENT = (
    Policy(1, "svc", "", "minute", "credential", "", 60, 60, 60),
    Policy(2, "svc", "", "day", "credential", "", 1_000, 86_400, 200),
)
EACH_ACCOUNT = (Policy(3, "svc", "", "account-day", "account", "", 1_000, 86_400, 200),)
"""What one developer is meant to need: a thousand units a day, 200 at once."""


@dataclass(frozen=True, slots=True)
class Asker:
    """An account with its one agent."""

    name: str
    is_hydra: bool
    a_day: int
    linked: bool
    """In the hydra's cluster, once it is found."""
    vouched_for: bool

    def holder(self, *, found: bool) -> Holder:
        created_at = BEGIN - timedelta(days=200 if self.vouched_for else 10)
        pool = Pool("clu_hydra", "linked", HYDRA + WRONGLY_LINKED, {}, {}, self.vouched_for)
        return Holder(
            f"agent_{self.name}",
            f"acc_{self.name}",
            created_at,
            "document",
            pool=pool if found and self.linked else None,
        )


def askers(seed: int) -> list[Asker]:
    chance = random.Random(seed)
    hydra = [Asker(f"h{n}", True, A_DAY, True, n < BOUGHT) for n in range(HYDRA)]
    # Half ask twenty times a day or less; one in a hundred comes near the thousand.
    volumes = [min(1_500, max(1, round(chance.lognormvariate(3.0, 1.4)))) for _ in range(INNOCENTS)]
    others = [
        Asker(f"i{n}", False, volume, n < WRONGLY_LINKED, n < VOUCHED_FOR) for n, volume in enumerate(volumes)
    ]
    return hydra + others


def hour_of_requests(crowd: Sequence[Asker], hour: int, seed: int) -> list[tuple[int, int]]:
    """Moments in microseconds, and the place of who asks then in ``crowd``, in order of time."""
    chance = random.Random(seed * 100_003 + hour)
    start_us = int(BEGIN.timestamp()) * 1_000_000 + hour * HOUR_US
    return sorted(
        (start_us + int(chance.random() * HOUR_US), place)
        for place, one in enumerate(crowd)
        for _ in range(_in_this_hour(one.a_day, chance))
    )


def _in_this_hour(a_day: int, chance: random.Random) -> int:
    """A twenty-fourth of the day's requests, the rest by chance."""
    whole, rest = divmod(a_day, 24)
    return whole + (chance.random() * 24 < rest)
