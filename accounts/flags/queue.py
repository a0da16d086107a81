"""What waits for a decision: open flags, those that wait longest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from accounts.flags.models import Flag
from accounts.linkage.clusters import Place, places_of

DECIDE_WITHIN = timedelta(hours=24)
"""What an open flag is given before it counts as late."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the queue."""

    flag: Flag
    due_at: datetime
    late: bool
    place: Place | None
    """Where the account stands: its cluster and how many are in it."""


def open_flags(environment: str = "") -> "QuerySet[Flag]":
    """Open flags, oldest first; of one environment, or of both."""
    rows = Flag.objects.filter(state=Flag.State.OPEN).select_related("account", "cluster")
    if environment:
        rows = rows.filter(environment=environment)
    return rows.order_by(F("raised_at").asc(), "pk")


def waiting(flags: list[Flag], *, now: datetime) -> list[Waiting]:
    """What the queue shows of each flag; one query for all."""
    places = places_of([(flag.account_id, flag.environment) for flag in flags if flag.account_id])
    lines = []
    for flag in flags:
        due_at = flag.raised_at + DECIDE_WITHIN
        place = places.get((flag.account_id or "", flag.environment))
        if place is None and flag.cluster is not None:
            place = Place(flag.cluster.pk, flag.cluster.grade, flag.cluster.size)
        lines.append(Waiting(flag=flag, due_at=due_at, late=now > due_at, place=place))
    return lines
