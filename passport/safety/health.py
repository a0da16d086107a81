"""How the parts of the house are: works, degraded or away, since when, and what that means.

Everything is read from the tables, so any process can tell; a part that runs elsewhere shows
by what it left behind.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils.translation import gettext

from accounts.linkage.models import LinkageRun, UnsettledAccount
from foundation.jobs.models import Job
from foundation.ledger.models import Entry
from foundation.ledger.read import head, last_checkpoint
from passport.admission.models import AdmissionMode
from passport.signing.models import SigningKey
from passport.status.models import StatusList

WORKS, DEGRADED, AWAY = "works", "degraded", "away"
JOB_LATE = timedelta(seconds=30)
JOBS_AWAY = timedelta(minutes=5)
LIST_LATE = timedelta(seconds=90)
"""A status list is signed anew each minute; half a minute more is still in time."""
LIST_ENDS = timedelta(seconds=300)
SEAL_LATE = timedelta(minutes=3)
LINK_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    state: str
    since: datetime | None
    """The moment behind ``meaning``: of the last sign of life, or of the change."""
    meaning: str


def parts(now: datetime) -> list[Part]:
    """Every part that is there; a handful of queries."""
    return [admission(), jobs(now), ledger(now), status_lists(now), signing(), linkage(now)]


def admission() -> Part:
    name = gettext("Counters and replay protection")
    mode = AdmissionMode.objects.first()
    if mode is None:
        return Part(name, WORKS, None, gettext("Nothing was admitted yet."))
    if mode.mode == AdmissionMode.Mode.DATABASE:
        meaning = gettext("Counter store away: the database decides, limits are approximate and capped.")
        return Part(name, DEGRADED, mode.since, meaning)
    said = gettext("In this process; counters restart with it.")
    if mode.mode == AdmissionMode.Mode.REDIS:
        said = gettext("Redis decides; limits are exact.")
    return Part(name, WORKS, mode.since, said)


def jobs(now: datetime) -> Part:
    name = gettext("Jobs")
    oldest = Job.objects.filter(finished_at=None, due_at__lte=now).aggregate(at=Min("due_at"))["at"]
    if oldest is None or now - oldest < JOB_LATE:
        return Part(name, WORKS, oldest, gettext("Nothing waits longer than half a minute."))
    state = AWAY if now - oldest > JOBS_AWAY else DEGRADED
    meaning = gettext("Work is late. Revocations already placed hold; batches and notices wait.")
    return Part(name, state, oldest, meaning)


def ledger(now: datetime) -> Part:
    name = gettext("Ledger")
    number, seal = head(), last_checkpoint()
    unplaced = Entry.objects.filter(position=None).aggregate(at=Min("at"))["at"]
    if unplaced is not None and now - unplaced > JOB_LATE:
        return Part(name, AWAY, unplaced, gettext("Entries wait for their number: the feed stands still."))
    if number and (seal is None or (seal.size < number and now - seal.signed_at > SEAL_LATE)):
        meaning = gettext("Sealing is behind: newest entries lie under no signed checkpoint yet.")
        return Part(name, DEGRADED, seal.signed_at if seal else None, meaning)
    meaning = gettext("%d entries in order, sealed by signed checkpoints.") % number
    return Part(name, WORKS, seal.signed_at if seal else None, meaning)


def status_lists(now: datetime) -> Part:
    name = gettext("Status lists")
    lists = StatusList.objects.aggregate(oldest=Min("signed_at"))
    oldest = lists["oldest"]
    if oldest is None:
        return Part(name, WORKS, None, gettext("No list is published yet."))
    if now - oldest < LIST_LATE:
        return Part(name, WORKS, oldest, gettext("The oldest list is fresh."))
    if now - oldest < LIST_ENDS:
        return Part(name, DEGRADED, oldest, gettext("A list is older than its time to live."))
    return Part(name, AWAY, oldest, gettext("A list has ended: services that poll refuse every credential."))


def signing() -> Part:
    name = gettext("Signing keys")
    active = SigningKey.objects.filter(use=SigningKey.Use.TOKENS, state=SigningKey.State.ACTIVE).first()
    if active is None:
        return Part(name, AWAY, None, gettext("No key signs: nothing can be issued."))
    if not SigningKey.objects.filter(use=SigningKey.Use.TOKENS, state=SigningKey.State.NEXT).exists():
        return Part(
            name, DEGRADED, active.activated_at, gettext("No next key is published: rotation would wait.")
        )
    return Part(name, WORKS, active.activated_at, gettext("One key signs, the next is published."))


def linkage(now: datetime) -> Part:
    name = gettext("Linkage")
    oldest = UnsettledAccount.objects.aggregate(at=Min("marked_at"))["at"]
    if oldest is not None and now - oldest > LINK_LATE:
        return Part(name, DEGRADED, oldest, gettext("New signals wait: clusters are behind."))
    last = LinkageRun.objects.aggregate(at=Max("finished_at"))["at"]
    return Part(name, WORKS, last, gettext("Clusters are in step with the signals."))
