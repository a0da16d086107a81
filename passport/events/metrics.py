"""What the feed tells of itself."""

from prometheus_client import Gauge, Histogram

from passport.status.metrics import BOUNDS

SENT = Histogram(
    "agent_passport_feed_seconds",
    "From the mark of a change to its frames in the ring of this process.",
    buckets=BOUNDS,
)
SUBSCRIBERS = Gauge("agent_passport_feed_subscribers", "Open connections of this process.")
