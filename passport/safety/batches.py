"""What the pages about batches show, and the steps that one click takes together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from accounts.flags.models import Flag
from accounts.flags.raising import decide_flag
from accounts.owners.models import Account
from foundation.jobs.models import Job
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.revocation.approve import approve, second_person_needed
from passport.revocation.batch import State
from passport.revocation.models import BatchMember, RevocationBatch
from passport.revocation.preview import make_preview
from passport.revocation.run import start
from passport.revocation.steps import create_batch

type Step = Callable[[str, datetime], object]
"""Who, and when."""

MOVING = frozenset({State.RUNNING, State.UNDOING})
OPEN = frozenset({State.DRAFT, State.PREVIEWED, State.AWAITING})
MOST_NAMES = 2_000
NOTHING_COUNTED: Mapping[str, int] = {"accounts": 0, "agents": 0, "passports": 0, "perhaps_innocent_count": 0}
"""The figures of a batch that was not previewed yet, such as a proposed follow-up."""


@dataclass(frozen=True, slots=True)
class Line:
    """One member of a set."""

    member: BatchMember
    name: str
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work behind the fact is."""

    state: str
    members: int
    recorded: int
    failed_tries: int
    """How often the work broke off; it is tried again until it is done."""
    moving: bool

    @property
    def left(self) -> int:
        return self.members - self.recorded


@dataclass(frozen=True, slots=True)
class WayBack:
    """What an undo would do."""

    accounts: int
    restrictions: int
    stay: Sequence[Account]
    """Accounts that another restriction still holds back."""


def begin(asked: Mapping[str, object], *, actor: str, now: datetime) -> RevocationBatch:
    """A batch with its preview. Raises BatchError, and leaves no draft, where nobody is chosen."""
    with transaction.atomic():
        batch = create_batch(actor=actor, now=now, **asked)  # type: ignore[arg-type]
        return make_preview(batch.pk, actor=actor, now=now)


def run(batch: RevocationBatch, digest: str, *, actor: str, now: datetime) -> RevocationBatch:
    """Approve the set of this digest and carry it out; the flag that led here is confirmed.

    Raises BatchError as ``approve`` and ``start`` do.
    """
    approve(batch.pk, actor, digest, now=now)
    started = start(batch.pk, actor, now=now)
    if batch.flag_id and Flag.objects.filter(pk=batch.flag_id).exists():
        decide_flag(batch.flag_id, Flag.State.CONFIRMED, actor, now=now)
    return started


def needs_approval(batch: RevocationBatch, *, now: datetime) -> bool:
    """Whether a second person has to say yes; for a batch that has not run."""
    return batch.state in OPEN and second_person_needed(batch, now=now)


def lines_of(batch: RevocationBatch, members: Sequence[BatchMember]) -> list[Line]:
    """Members with names for ids, in what is said of them too. Two queries."""
    others = BatchMember.objects.filter(batch=batch).values("account_id")[:MOST_NAMES]
    names = dict(
        Account.objects.filter(pk__in=list(others.values_list("account_id", flat=True))).values_list(
            "pk", "name"
        )
    )
    return [
        Line(row, names.get(row.account_id, row.account_id), [_named(why["words"], names) for why in row.why])
        for row in members
    ]


def progress_of(batch: RevocationBatch) -> Progress:
    members = BatchMember.objects.filter(batch=batch, excluded=False).count()
    unfinished = Job.objects.filter(key__in=[f"travel:{batch.pk}", f"undone:{batch.pk}"], finished_at=None)
    tries = unfinished.aggregate(n=Sum("attempts"))["n"] or 0
    return Progress(batch.state, members, min(batch.recorded, members), tries, _is_moving(batch))


def _is_moving(batch: RevocationBatch) -> bool:
    """The signed receipt is the last thing to come."""
    if batch.state == State.DONE:
        return not batch.receipt
    return batch.state in MOVING or (batch.state == State.UNDONE and not batch.undo_receipt)


def way_back(batch: RevocationBatch, now: datetime) -> WayBack:
    """Whom an undo frees, and who stays held by something else."""
    placed = Restriction.objects.filter(batch=batch, lifted_at=None)
    account_ids = set(placed.values_list("account_id", flat=True))
    others = Restriction.objects.filter(
        account_id__in=account_ids, lifted_at=None, effect__gte=Effect.SUSPEND
    )
    held = others.exclude(batch=batch).exclude(ends_at__lte=now)
    stay = Account.objects.filter(pk__in=held.values("account_id")).order_by("name")[:50]
    return WayBack(len(account_ids), placed.count(), list(stay))


def _named(words: str, names: Mapping[str, str]) -> str:
    for account_id in sorted((one for one in names if one in words), key=len, reverse=True):
        words = words.replace(account_id, names[account_id])
    return words
