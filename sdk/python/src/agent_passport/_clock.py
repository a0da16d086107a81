"""The time by the issuer's clock, learnt from the ``Date`` of its answers (RFC 9110 section 6.6.1).

A machine whose clock is ten minutes off could otherwise prove nothing: assertions and proofs are
refused when they are older than a minute or from the future. Only the issuer is believed: a
service that could move this clock would collect proofs for later.
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

TOLERATED_SECONDS = 5.0
"""``Date`` counts whole seconds and an answer takes time to arrive: less than this is no error."""


class IssuerClock:
    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self.offset = 0.0
        """Seconds to add to the local time."""

    def now(self) -> float:
        return self._local() + self.offset

    def learn(self, date: str | None) -> bool:
        """Take in a ``Date`` field. True when the offset changed: what was signed before was off."""
        sent_at = _parse(date)
        if sent_at is None:
            return False
        offset = sent_at - self._local()
        wanted = 0.0 if abs(offset) <= TOLERATED_SECONDS else offset
        if abs(wanted - self.offset) <= TOLERATED_SECONDS:
            return False
        self.offset = wanted
        return True


def _parse(date: str | None) -> float | None:
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
