"""How often the doors for people are asked: by client and address together, and by person.

Never by address alone, which whole companies share (RL-02); never so that somebody else's
tries keep a person out: their own bucket fills by their own sessions only.
"""

from hashlib import blake2b

from django.http import HttpRequest

from foundation import clock
from foundation.web.addresses import client_address
from passport.admission.admit import admit
from passport.admission.contract import Admission, partition_of
from passport.admission.mode import current, microseconds
from passport.agents.metadata_documents import would_be_fetched
from passport.errors import TemporarilyUnavailable
from passport.limits.buckets import Bucket, Level
from passport.limits.gcra import rate_of
from passport.limits.headers import fields

WINDOW_SECONDS = 60
SHOWN = 60
"""Authorization requests of one client from one address, in a minute."""
DECIDED = 20
"""Answers of one person in a minute."""
PUSHED = 60
"""Requests that one client pushes from one address, in a minute."""
FETCHED = 30
"""Metadata documents that requests from one address have us fetch, in a minute: what we hold is free."""


def limit_fetched(request: HttpRequest, client_id: str | None) -> None:
    """Before an unknown client's document is fetched. Raises TemporarilyUnavailable (429)."""
    if client_id is not None and would_be_fetched(client_id):
        _take(address_bucket(request, "documents", "", FETCHED))


def limit_shown(request: HttpRequest, client_id: str) -> None:
    """Raises TemporarilyUnavailable (429)."""
    _take(address_bucket(request, "authorize", client_id, SHOWN))


def limit_decided(user_id: str) -> None:
    """Raises TemporarilyUnavailable (429)."""
    _take(bucket(f"consent:{user_id}", "person", DECIDED))


def address_bucket(request: HttpRequest, door: str, client_id: str, quota: int) -> Bucket:
    """The address goes in as a short hash: the stores need not know it."""
    place = blake2b(f"{client_id}\n{client_address(request)}".encode(), digest_size=12).hexdigest()
    return bucket(f"{door}:{place}", door, quota)


def bucket(key: str, name: str, quota: int) -> Bucket:
    rate = rate_of(quota, WINDOW_SECONDS, quota)
    return Bucket(f"door:{key}", Level.CREDENTIAL, name, quota, WINDOW_SECONDS, rate, 1)


def _take(one: Bucket) -> None:
    admission = Admission(partition_of(one.key), (), (one,), None, microseconds(clock.now()))
    verdict = admit(admission, current())
    if not verdict.taken:
        raise TemporarilyUnavailable(
            "too many requests",
            uri_reason="rate_limited",
            status=429,
            headers=fields(verdict.remaining, retry_after_us=verdict.retry_after_us),
        )
