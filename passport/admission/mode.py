"""Which store decides, and how that changes (DESIGN section 5, "When Redis is gone").

One row says it for all processes. Whoever loses Redis turns it to ``database``; a periodic
probe turns it back once Redis answers, takes writes and has been marked anew. Each change
makes a new beginning: what was spent before is not known to the store that now decides, so
proofs from before need a nonce of ours (``needs_nonce``).
"""

from datetime import UTC, datetime, timedelta
from math import ceil

import structlog
from django.db import transaction

from foundation import clock
from foundation.jobs.periodic import every
from foundation.ledger.append import append
from passport.admission import stores
from passport.admission.contract import Mode, StoreLost
from passport.admission.models import AdmissionMode

log = structlog.get_logger()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROOF_AHEAD = timedelta(seconds=30)
"""How far in the future a proof may be dated: one dated so may have been spent before the change."""
Names = AdmissionMode.Mode


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def mode_of(name: str | None, since: datetime | None) -> Mode:
    """What a request read of the row. Where there is no row yet, the first request makes it."""
    if not name or since is None:
        return current()
    return Mode(name, microseconds(since))


def needs_nonce(issued_at: datetime, *changes: datetime | None) -> bool:
    """Whether a proof or assertion may have been spent where we cannot know.

    ``changes``: since when the mode holds, and when the account last changed its partition.
    """
    return any(change is not None and issued_at < change + PROOF_AHEAD for change in changes)


def seconds_until_new(now: datetime, *changes: datetime) -> int:
    """How long, in seconds and at least 1, until an ``iat`` of then, cut to its second, needs no nonce."""
    ends_at = ceil((max(changes) + PROOF_AHEAD).timestamp())
    return max(1, ceil(ends_at - now.timestamp()))


def current() -> Mode:
    """Read the row; make it where it is missing."""
    row = AdmissionMode.objects.filter(pk=1).first()
    return Mode(row.mode, microseconds(row.since)) if row is not None else begin(clock.now())


def begin(now: datetime) -> Mode:
    """The mode this process is set up for, from ``now``: call it when a server starts.

    In process, what an earlier process knew is lost, so a new beginning is made each time.
    With Redis a running mode is left alone: other processes may be using it.
    """
    preferred = stores.preferred()
    with transaction.atomic():
        row = AdmissionMode.objects.select_for_update().filter(pk=1).first()
        settled = row is not None and (
            row.mode == preferred or (row.mode == Names.DATABASE and preferred == Names.REDIS)
        )
        if row is not None and settled and preferred == Names.REDIS:
            return Mode(row.mode, microseconds(row.since))
        return _set(_markable(preferred, now), now, reason="start")


def lose(mode: Mode, reason: str, now: datetime) -> None:
    """A process found the store of ``mode`` gone. The first to say so turns the row.

    Call it outside of a transaction: it must hold even though the request fails.
    """
    if mode.name == Names.MEMORY:
        _restart_memory(mode, now)
        return
    since = EPOCH + timedelta(microseconds=mode.since_us)
    with transaction.atomic():
        rows = AdmissionMode.objects.filter(pk=1, mode=mode.name, since=since)
        if not rows.update(mode=Names.DATABASE, since=now, reason=reason[:64]):
            return
        _record(Names.DATABASE, reason)
    log.error("admission_lost", mode=mode.name, reason=reason)


@every(2, "passport.admission.probe")
def probe() -> None:
    """Back to Redis where it can be had; away from it where it can no longer."""
    now, mode = clock.now(), current()
    if stores.preferred() != Names.REDIS:
        return
    if mode.name == Names.REDIS:
        if not stores.redis_store().is_whole(mode.since_us):
            lose(mode, "probe", now)
        return
    with transaction.atomic():
        row = AdmissionMode.objects.select_for_update().get(pk=1)
        if row.mode == Names.REDIS or _markable(Names.REDIS, now) != Names.REDIS:
            return
        _set(Names.REDIS, now, reason="recovered")
    log.warning("admission_recovered")


def _markable(preferred: str, now: datetime) -> str:
    """The preferred store, marked from ``now``; the database where it cannot be marked."""
    try:
        stores.mark(preferred, microseconds(now))
    except StoreLost as lost:
        log.warning("admission_store_missing", store=preferred, reason=str(lost))
        return Names.DATABASE
    return preferred


def _restart_memory(mode: Mode, now: datetime) -> None:
    """The process that set the mode is gone, and what it knew with it."""
    since = EPOCH + timedelta(microseconds=mode.since_us)
    with transaction.atomic():
        if AdmissionMode.objects.filter(pk=1, mode=mode.name, since=since).update(since=now):
            stores.mark(Names.MEMORY, microseconds(now))
            _record(Names.MEMORY, "restarted")


def _set(name: str, now: datetime, *, reason: str) -> Mode:
    AdmissionMode.objects.update_or_create(pk=1, defaults={"mode": name, "since": now, "reason": reason})
    _record(name, reason)
    return Mode(name, microseconds(now))


def _record(name: str, reason: str) -> None:
    append("admission.mode", actor="system:admission", reason=reason, payload={"mode": str(name)})
