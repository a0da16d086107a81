"""How limits are told to clients: RateLimit-Policy, RateLimit, Retry-After (STANDARDS section 17)."""

from collections.abc import Iterable
from typing import Protocol

from passport.limits.buckets import Bucket
from passport.limits.gcra import Left

TOLD = "requests"
"""The unit that goes without saying; model tokens have none that is registered."""


class Measured(Protocol):
    """A bucket and what it holds."""

    @property
    def bucket(self) -> Bucket: ...
    @property
    def left(self) -> Left: ...


def seconds(us: int) -> int:
    """Whole seconds, rounded up: a client that waits them does pass."""
    return -(-us // 1_000_000)


def fields(measured: Iterable[Measured], *, retry_after_us: int = 0) -> dict[str, str]:
    """The response header fields. Structured fields (RFC 9651); no field where there is no policy.

    ``t`` is the time until the bucket is full: a longer wait would bring nothing more.
    """
    held = [one for one in measured if one.bucket.unit == TOLD]
    headers: dict[str, str] = {}
    if held:
        headers["RateLimit-Policy"] = ", ".join(
            f"{string(one.bucket.name)};q={one.bucket.quota};w={one.bucket.window_seconds}" for one in held
        )
        headers["RateLimit"] = ", ".join(
            f"{string(one.bucket.name)};r={one.left.units};t={seconds(one.left.full_in_us)}" for one in held
        )
    if retry_after_us > 0:
        headers["Retry-After"] = str(seconds(retry_after_us))
    return headers


def string(name: str) -> str:
    """A structured-field string (RFC 9651 section 3.3.3): ASCII, with quotes and backslashes escaped."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in name)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
