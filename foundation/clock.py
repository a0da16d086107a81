"""The one clock. Domain functions take ``now``; doors and workers read it here."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
