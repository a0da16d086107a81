"""What each bit of the status lists must be, derived from the five subjects of a credential."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields import BooleanField
from django.db.models.functions import Coalesce, Greatest

from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.effective import status_value
from passport.restrictions.models import AccountState, Restriction
from passport.restrictions.subjects import Subject, in_chunks
from passport.status.models import StatusEntry, StatusMark

STILL_BORNE = timedelta(minutes=10)
"""A passport's bit matters until the last access token from it has ended, with room for clocks."""

PASSPORTS_OF = {
    Subject.ACCOUNT: "account_id__in",
    Subject.AGENT: "agent__client_id__in",
    Subject.KEY: "key_id__in",
    Subject.PASSPORT: "jti__in",
    Subject.SIGNING_KEY: "signing_key_id__in",
}
"""How a subject finds the passports it covers."""
AGENTS_OF = {Subject.ACCOUNT: "account_id__in", Subject.AGENT: "client_id__in"}
"""How it finds the agents: roots of tokens without a passport. A key does not cover another key's tokens."""


@dataclass(slots=True)
class Touched:
    """The subjects of some marks, by type: whole batches, and single ids."""

    batches: set[tuple[str, str]] = field(default_factory=set)
    ids: dict[str, set[str]] = field(default_factory=dict)

    def selections(self) -> Iterator[tuple[Subject, Sequence[str] | QuerySet[Any]]]:
        for kind, batch_id in sorted(self.batches):
            rows = Restriction.objects.filter(batch_id=batch_id, subject_type=kind)
            yield Subject(kind), rows.values("subject_id")
        for kind, ids in sorted(self.ids.items()):
            for part in in_chunks(sorted(ids)):
                yield Subject(kind), part


def touched_by(marks: Iterable[StatusMark]) -> Touched:
    touched = Touched()
    for mark in marks:
        if mark.batch_id:
            touched.batches.add((mark.subject_type, mark.batch_id))
        else:
            touched.ids.setdefault(mark.subject_type, set()).update(mark.subject_ids)
    return touched


def lists_of(touched: Touched, now: datetime) -> list[int]:
    """Numbers of the lists on which a touched root has its place."""
    numbers: set[int] = set()
    for kind, ids in touched.selections():
        numbers.update(_passports(kind, ids, now).values_list("status_list_id", flat=True).distinct())
        if entries := _agent_entries(kind, ids):
            numbers.update(entries.values_list("list_id", flat=True).distinct())
    return sorted(numbers)


def values_on(number: int, touched: Touched, now: datetime) -> dict[int, int]:
    """The values that the touched places of one list must have."""
    values: dict[int, int] = {}
    for kind, ids in touched.selections():
        values.update(_passport_values(_passports(kind, ids, now).filter(status_list_id=number)))
        if entries := _agent_entries(kind, ids):
            values.update(_agent_values(entries.filter(list_id=number)))
    return values


def all_values_on(number: int, now: datetime) -> dict[int, int]:
    """The values of every place of one list: what the deltas must have added up to."""
    passports = Passport.objects.filter(status_list_id=number, expires_at__gt=now - STILL_BORNE)
    agents = StatusEntry.objects.filter(list_id=number, root__in=Agent.objects.values("client_id"))
    return _passport_values(passports) | _agent_values(agents)


def _passports(kind: Subject, ids: Any, now: datetime) -> QuerySet[Passport]:
    return Passport.objects.filter(**{PASSPORTS_OF[kind]: ids}, expires_at__gt=now - STILL_BORNE)


def _agent_entries(kind: Subject, ids: Any) -> QuerySet[StatusEntry] | None:
    if kind not in AGENTS_OF:
        return None
    agents = Agent.objects.filter(**{AGENTS_OF[kind]: ids})
    return StatusEntry.objects.filter(root__in=agents.values("client_id"))


def _passport_values(passports: QuerySet[Passport]) -> dict[int, int]:
    account = AccountState.objects.filter(account_id=OuterRef("account_id")).values("effect")
    rows = passports.annotate(
        strongest=Greatest(
            Coalesce(Subquery(account), int(Effect.NONE)),
            F("agent__effect"),
            F("key__effect"),
            F("effect"),
            F("signing_key__effect"),
        ),
        settled=_settled(
            (Subject.ACCOUNT, "account_id"),
            (Subject.AGENT, "agent__client_id"),
            (Subject.KEY, "key_id"),
            (Subject.PASSPORT, "jti"),
            (Subject.SIGNING_KEY, "signing_key_id"),
        ),
    ).values_list("status_index", "strongest", "settled", "agent__state")
    return _values(rows)


def _agent_values(entries: QuerySet[StatusEntry]) -> dict[int, int]:
    agent = Agent.objects.filter(client_id=OuterRef("root"))
    account = AccountState.objects.filter(account_id=OuterRef("account_of")).values("effect")
    rows = (
        entries.annotate(account_of=Subquery(agent.values("account_id")))
        .annotate(
            strongest=Greatest(
                Coalesce(Subquery(account), int(Effect.NONE)), Subquery(agent.values("effect"))
            ),
            settled=_settled((Subject.ACCOUNT, "account_of"), (Subject.AGENT, "root")),
            state=Subquery(agent.values("state")),
        )
        .values_list("index", "strongest", "settled", "state")
    )
    return _values(rows)


def _values(rows: Iterable[tuple[int, int, bool, str]]) -> dict[int, int]:
    """A closed agent's credentials are as final as a settled revoke."""
    return {
        index: status_value(Effect.REVOKE, settled=True)
        if state == Agent.State.CLOSED
        else status_value(strongest, settled=settled)
        for index, strongest, settled, state in rows
    }


def _settled(*subjects: tuple[Subject, str]) -> Case:
    """Whether a revoke among these can no longer be undone; asked only where one is revoked."""
    any_of = Q(pk__in=[])
    for kind, column in subjects:
        any_of |= Q(subject_type=kind, subject_id=OuterRef(column))
    rows = Restriction.objects.filter(any_of, lifted_at=None, effect=Effect.REVOKE, undo_until=None)
    return Case(
        When(strongest=int(Effect.REVOKE), then=Exists(rows)),
        default=Value(False),
        output_field=BooleanField(),
    )
