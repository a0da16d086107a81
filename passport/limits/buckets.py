"""A bucket as admission takes it: whose it is, what clients call it, and what it costs now."""

from dataclasses import dataclass
from enum import StrEnum

from passport.limits.gcra import Rate


class Level(StrEnum):
    """Who shares a bucket."""

    CREDENTIAL = "credential"
    ACCOUNT = "account"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Floor:
    """What a member keeps for itself when the shared bucket is empty (DESIGN section 6)."""

    key: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Bucket:
    """One policy on one subject."""

    key: str
    """Unique for subject, service, scope and policy; the stores put their partition in front."""
    level: Level
    name: str
    """As clients read it in RateLimit-Policy: never tells that there is a cluster."""
    quota: int
    window_seconds: int
    rate: Rate
    cost: int
    floor: Floor | None = None
    unit: str = "requests"
    """What is counted; what has no registered unit is not told in header fields."""
