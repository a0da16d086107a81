"""Limits of the doors where strangers knock: registration, device codes, user codes.

A bucket belongs to an address, or to a client or person that asks. Nobody's account is locked by
what others do: the bucket of a person is filled only by that person's own session.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from passport.admission.admit import admit
from passport.admission.contract import Admission, partition_of
from passport.admission.mode import current, microseconds
from passport.errors import TemporarilyUnavailable
from passport.limits.buckets import Bucket, Level
from passport.limits.gcra import rate_of
from passport.limits.headers import fields


@dataclass(frozen=True, slots=True)
class DoorLimit:
    """So many knocks in so many seconds."""

    door: str
    quota: int
    window_seconds: int


def charge_door(limit: DoorLimit, holders: Mapping[str, str], now: datetime) -> None:
    """Take one knock of each holder's. Raises TemporarilyUnavailable with 429.

    ``holders``: what clients read in RateLimit (``address``) to whose it is; an empty one counts not.
    """
    for name, holder in holders.items():
        if holder:
            _take(limit, name, holder, now)


def place_of(address: str) -> str:
    """Whom an address stands for: a whole /64 of IPv6 is one customer's. Empty for none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _take(limit: DoorLimit, name: str, holder: str, now: datetime) -> None:
    digest = hashlib.sha256(f"{limit.door} {name} {holder}".encode()).hexdigest()[:32]
    bucket = Bucket(
        key=f"door:{digest}",
        level=Level.CREDENTIAL,
        name=name,
        quota=limit.quota,
        window_seconds=limit.window_seconds,
        rate=rate_of(limit.quota, limit.window_seconds, limit.quota),
        cost=1,
    )
    admission = Admission(partition_of(digest), (), (bucket,), None, microseconds(now))
    verdict = admit(admission, current())
    if not verdict.taken:
        raise TemporarilyUnavailable(
            "too many requests from there",
            uri_reason="rate_limited",
            status=429,
            headers=fields(verdict.remaining, retry_after_us=verdict.retry_after_us),
        )
