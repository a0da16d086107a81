"""How many units a service may take ahead and spend by itself (pure; DESIGN section 6)."""

from collections.abc import Sequence

from passport.limits.buckets import Bucket, Level

LIFE_MS = 1000
"""Unused units are lost after it: what is held beyond the limits is at most one block for each holder."""
LARGEST_SHARE = 0.05
"""Of the burst."""


def most_units(buckets: Sequence[Bucket], asked: int) -> int:
    """The largest block: 5 % of the smallest burst, one unit where the budget is shared."""
    if any(bucket.level is Level.CLUSTER for bucket in buckets):
        return 1
    bursts = [bucket.rate.burst for bucket in buckets]
    return min(asked, max(1, int(min(bursts) * LARGEST_SHARE))) if bursts else asked
