"""Tokens whose signature was checked, by their digest: seen again, they cost a look-up. No token is kept."""

import threading
from collections import OrderedDict

from agent_passport._credential import SKEW_SECONDS, Credential

TOKENS = 20_000


class TokenCache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[bytes, Credential] = OrderedDict()

    def find(self, digest: bytes) -> Credential | None:
        return self._held.get(digest)

    def keep(self, digest: bytes, credential: Credential, now: float) -> None:
        """The longest held makes room: tokens live five minutes, so it is also the nearest to its end."""
        with self._lock:
            self._held[digest] = credential
            while len(self._held) > TOKENS or self._is_first_over(now):
                self._held.popitem(last=False)

    def _is_first_over(self, now: float) -> bool:
        first = next(iter(self._held.values()), None)
        return first is not None and now >= first.expires_at + SKEW_SECONDS
