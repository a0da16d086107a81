"""How long a fact takes to reach the lists."""

from prometheus_client import Histogram

BOUNDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

PUBLISHED = Histogram(
    "agent_passport_status_published_seconds",
    "From the oldest mark of a change to its committed list and delta.",
    buckets=BOUNDS,
)
SIGNED = Histogram(
    "agent_passport_status_signed_seconds",
    "From the mark of a change to the signed list that holds it.",
    buckets=BOUNDS,
)
