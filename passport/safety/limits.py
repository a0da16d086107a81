"""Limits as the console shows and changes them: who may decide a change, and what it would have refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from passport.admission.mode import microseconds
from passport.credentials.models import IssueRecord
from passport.limits.changes import ChangeRefused, gives_more, put_into_force
from passport.limits.models import LimitChange, LimitPolicy
from passport.limits.policies import REQUESTS, TOKEN_SCOPE, Policy, Terms, terms_of
from passport.limits.replay import Demand, Outcome, replay, spread
from passport.revocation.approve import find_role
from passport.revocation.batch import BatchError, check_second_person
from passport.usage.models import UsageMinute

NEVER = datetime.max.replace(tzinfo=UTC)
"""No override is in these rows, so no moment matters."""
MOST_DEMANDS = 200_000
"""Read for one preview; of a busier day it is said that this is a part."""


@dataclass(frozen=True, slots=True)
class Yesterday:
    """What the terms would have refused on the last whole day, beside those that held."""

    day: datetime
    wanted: Outcome
    held: Outcome | None
    """None where no policy of that name held."""
    is_part: bool


def decide(change: LimitChange, *, actor: str, now: datetime) -> None:
    """Put it into force. What gives anybody more needs a second person; nobody is exempt.

    Raises ChangeRefused.
    """
    if gives_more(change, now):
        try:
            check_second_person(approver=actor, requester=change.requested_by, role=find_role(actor), now=now)
        except BatchError as refused:
            raise ChangeRefused(str(refused)) from refused
    put_into_force(change.pk, actor=actor, now=now)


def find_yesterday(change: LimitChange, now: datetime) -> Yesterday | None:
    """None where nothing is known of that day's demand, or the change is about one account only."""
    wanted = change.wanted
    if change.kind != LimitChange.Kind.POLICY or wanted["unit"] != REQUESTS:
        return None
    day = datetime.combine(now.astimezone(UTC).date() - timedelta(days=1), time(), UTC)
    seen = _service_demands(wanted, day) if wanted["service_id"] else _token_demands(wanted, day)
    demands = list(islice(seen, MOST_DEMANDS))
    if not demands:
        return None
    held = None if change.before is None else replay(_terms(change.before), demands)
    return Yesterday(day, replay(_terms(change.wanted), demands), held, len(demands) == MOST_DEMANDS)


def _token_demands(wanted: Mapping[str, Any], day: datetime) -> Iterator[Demand]:
    """Every access token that was issued. What was refused then left no record, and is not counted."""
    subject = _subject(wanted)
    rows = IssueRecord.objects.filter(issued_at__gte=day, issued_at__lt=day + timedelta(days=1))
    pairs = rows.order_by("issued_at").values_list(subject, "issued_at")[:MOST_DEMANDS]
    return (Demand(subject_id, microseconds(at), 1) for subject_id, at in pairs.iterator())


def _service_demands(wanted: Mapping[str, Any], day: datetime) -> Iterator[Demand]:
    """What the service reported, by the minute; what it refused for a limit counts as asked."""
    rows = UsageMinute.objects.filter(
        service_id=wanted["service_id"], starts_at__gte=day, starts_at__lt=day + timedelta(days=1)
    )
    if wanted["scope"]:
        rows = rows.filter(scope=wanted["scope"])
    columns = (_subject(wanted), "starts_at", "units", "over_limit")
    for subject_id, at, units, over_limit in rows.order_by("starts_at").values_list(*columns).iterator():
        yield from spread(subject_id, microseconds(at), units + over_limit)


def _subject(wanted: Mapping[str, Any]) -> str:
    return "account_id" if wanted["applies_to"] == LimitPolicy.Level.ACCOUNT else "agent"


def _terms(values: Mapping[str, Any]) -> Terms:
    row = Policy(
        0, "", TOKEN_SCOPE, values["name"], values["applies_to"], "",
        values["quota"], values["window_seconds"], values["burst"], unit=values["unit"],
    )  # fmt: skip
    return terms_of(row, NEVER)
