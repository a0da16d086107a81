"""Our own keys as they stand in tests: fixed ones, for making an RSA key takes longer than most tests."""

from functools import cache
from typing import Any

from foundation import clock
from passport.jose.signatures import generate
from passport.signing import keys, life
from tests.passport.crafting import RSA


@cache
def _fixed(name: str) -> Any:
    return generate("ES256")


def install() -> None:
    """An active key and the next one for tokens, an active one for events."""
    now = clock.now()
    for state in ("active", "next"):
        life.add("tokens", "ES256", state, _fixed(state), actor="system:test", now=now)
    life.add("events", "RS256", "active", RSA.private, actor="system:test", now=now)
    keys.forget()
