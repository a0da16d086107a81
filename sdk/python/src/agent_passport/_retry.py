"""When to ask again, and how long to wait before it (pure)."""

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime

ATTEMPTS = 4
PATIENCE_SECONDS = 30.0
"""All waits of one call together. A server that asks for more is not waited for: the caller is told."""

_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 8.0
BUSY = frozenset({429, 502, 503, 504})


def backoff(attempt: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds before attempt ``attempt`` + 1, counted from 0: doubling, and anywhere in the upper half,
    so that those who failed together do not come back together."""
    longest: float = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**attempt)
    return longest * (0.5 + draw() / 2)


def wait_for(
    attempt: int, retry_after: float | None, waited: float, draw: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait, or None: give up. Never less than the server asked for."""
    if attempt + 1 >= ATTEMPTS:
        return None
    seconds = backoff(attempt, draw)
    if retry_after is not None:
        seconds = retry_after + min(seconds, 0.1 * retry_after + 0.05)
    return seconds if waited + seconds <= PATIENCE_SECONDS else None


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds from a ``Retry-After`` field, in either form (RFC 9110 section 10.2.3); None if unreadable."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(int(value.strip()[:9]))
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
