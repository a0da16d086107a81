"""JSON documents that others publish: fetched when needed, kept while they are fresh, for all processes.

A document lives from five minutes to a day, as its ``Cache-Control`` says. What could not be
fetched, or is not what it should be, is never kept in its place and is not asked again for a
minute. Call these outside a transaction: a fetch may take five seconds.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from foundation.outbound.client import Fetched, Limits, OutboundError, fetch
from foundation.outbound.models import StoredDocument

log = structlog.get_logger()

SHORTEST, LONGEST = timedelta(seconds=300), timedelta(hours=24)
"""How long an answer is kept, whatever it says; without a word of its own, the shortest."""
BACK_OFF = timedelta(seconds=60)
"""After a failure, and between two fetches that something unknown asks for."""
KEPT_STALE, KEPT_FAILED = timedelta(days=2), timedelta(hours=1)
MAX_URL = 2048
JSON_TYPE = re.compile(r"application/(?:json|[a-z0-9!#$&^_.-]+\+json)")
MAX_AGE = re.compile(r'max-age="?([0-9]{1,10})"?')


@dataclass(frozen=True, slots=True)
class Kind:
    """What is fetched for one purpose."""

    name: str
    limits: Limits
    check: Callable[[bytes], object]
    """Raises ValueError for a body that is not what it should be."""


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    fetched_at: datetime
    fresh_until: datetime


def read(url: str, kind: Kind, *, now: datetime) -> Document:
    """The document while it is fresh, else fetched anew. Raises OutboundError where there is none."""
    row = StoredDocument.objects.filter(pk=digest_of(url, kind)).first()
    if row is not None:
        if document := _fresh(row, now):
            return document
        if _backs_off(row, now):
            raise OutboundError("backed_off")
    return _fetch(url, kind, now)


def reread(url: str, kind: Kind, *, now: datetime) -> Document | None:
    """Fetch although what is held is fresh: for something unknown that a newer one may hold.

    At most once a minute for all processes together; None when it is not yet time, or was
    fetched in vain.
    """
    rows = StoredDocument.objects.filter(pk=digest_of(url, kind), tried_at__lte=now - BACK_OFF)
    if not rows.update(tried_at=now):
        return None
    try:
        return _fetch(url, kind, now)
    except OutboundError:
        return None


def is_held(url: str, kind: Kind, *, now: datetime) -> bool:
    """Whether ``read`` would answer without a fetch: with the document, or because it backs off."""
    row = StoredDocument.objects.filter(pk=digest_of(url, kind)).first()
    return row is not None and (_fresh(row, now) is not None or _backs_off(row, now))


def digest_of(url: str, kind: Kind) -> str:
    return hashlib.sha256(f"{kind.name} {url}".encode()).hexdigest()


def sweep(now: datetime) -> int:
    """Forget what nobody has asked for lately. Gives how many."""
    never = Q(fetched_at=None, tried_at__lt=now - KEPT_FAILED)
    swept, _ = StoredDocument.objects.filter(never | Q(tried_at__lt=now - KEPT_STALE)).delete()
    return swept


def life_of(headers: Mapping[str, str]) -> timedelta:
    """RFC 9111 section 5.2.2 within our bounds: ``max-age`` less ``Age``; nothing if not to be stored."""
    directives = [part.strip().lower() for part in headers.get("Cache-Control", "").split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return SHORTEST
    ages = [found for part in directives if (found := MAX_AGE.fullmatch(part))]
    # Said twice: the stricter.
    most = min((int(age[1]) for age in ages), default=0)
    spent = headers.get("Age", "0").strip()
    left = most - (int(spent) if re.fullmatch(r"[0-9]{1,10}", spent) else 0)
    return min(max(timedelta(seconds=left), SHORTEST), LONGEST)


def _fetch(url: str, kind: Kind, now: datetime) -> Document:
    try:
        if len(url) > MAX_URL:
            raise OutboundError("url")
        answer = fetch("GET", url, headers={"Accept": "application/json"}, limits=kind.limits)
        body = _checked(answer, kind)
    except OutboundError as failure:
        log.info("document_not_fetched", kind=kind.name, reason=failure.reason)
        # That we are busy ourselves says nothing of the document.
        if failure.reason != "busy":
            _keep(url, kind, tried_at=now, failed_at=now)
        raise
    document = Document(answer.body, now, now + life_of(answer.headers))
    _keep(
        url,
        kind,
        body=body,
        fetched_at=document.fetched_at,
        fresh_until=document.fresh_until,
        tried_at=now,
        failed_at=None,
    )
    return document


def _checked(answer: Fetched, kind: Kind) -> str:
    if answer.status != 200:
        raise OutboundError("status")
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not JSON_TYPE.fullmatch(media_type):
        raise OutboundError("type")
    try:
        kind.check(answer.body)
        return answer.body.decode("utf-8")
    except ValueError as wrong:
        raise OutboundError("content") from wrong


def _keep(url: str, kind: Kind, **values: object) -> None:
    StoredDocument.objects.update_or_create(
        digest=digest_of(url, kind), defaults=values, create_defaults={"url": url[:MAX_URL], **values}
    )


def _backs_off(row: StoredDocument, now: datetime) -> bool:
    return row.failed_at is not None and row.failed_at > now - BACK_OFF


def _fresh(row: StoredDocument, now: datetime) -> Document | None:
    if row.fetched_at is None or row.fresh_until is None or row.fresh_until <= now:
        return None
    return Document(row.body.encode(), row.fetched_at, row.fresh_until)
