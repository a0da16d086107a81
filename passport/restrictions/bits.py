"""What each bit of the status lists must be, derived from the five subjects of a credential."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Case, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from passport.agents.models import Agent
from passport.consents.end import MARK as CONSENT
from passport.consents.models import Consent
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.effective import status_value
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import ENVIRONMENTS, Subject, account_states, in_chunks
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
CONSENTS_OF: dict[str, str] = {
    Subject.ACCOUNT: "agent__account_id__in",
    Subject.AGENT: "agent__client_id__in",
    CONSENT: "id__in",
}
"""How it finds the consents of persons: roots of what a client holds for them. They end by themselves too."""


@dataclass(slots=True)
class Touched:
    """The subjects of some marks, by type: whole batches, and single ids."""

    batches: set[tuple[str, str]] = field(default_factory=set)
    ids: dict[str, set[str]] = field(default_factory=dict)

    def selections(self) -> Iterator[tuple[str, Sequence[str] | QuerySet[Any]]]:
        for kind, batch_id in sorted(self.batches):
            rows = Restriction.objects.filter(batch_id=batch_id, subject_type=kind)
            yield kind, rows.values("subject_id")
        for kind, ids in sorted(self.ids.items()):
            for part in in_chunks(sorted(ids)):
                yield kind, part


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
        passports = _passports(kind, ids, now)
        numbers.update(passports.values_list("status_list_id", flat=True).distinct())
        for entries in _entries(kind, ids):
            numbers.update(entries.values_list("list_id", flat=True).distinct())
    return sorted(numbers)


def values_on(number: int, touched: Touched, now: datetime) -> dict[int, int]:
    """The values that the touched places of one list must have."""
    values: dict[int, int] = {}
    for kind, ids in touched.selections():
        values.update(_passport_values(_passports(kind, ids, now).filter(status_list_id=number)))
        agents, consents = _entries(kind, ids)
        values.update(_agent_values(agents.filter(list_id=number)))
        values.update(_consent_values(consents.filter(list_id=number)))
    return values


def all_values_on(number: int, now: datetime) -> dict[int, int]:
    """The values of every place of one list: what the deltas must have added up to."""
    passports = Passport.objects.filter(status_list_id=number, expires_at__gt=now - STILL_BORNE)
    here = StatusEntry.objects.filter(list_id=number)
    agents = here.filter(root__in=Agent.objects.values("client_id"))
    consents = here.filter(root__in=Consent.objects.values("id"))
    return _passport_values(passports) | _agent_values(agents) | _consent_values(consents)


def _passports(kind: str, ids: Any, now: datetime) -> QuerySet[Passport]:
    if kind not in PASSPORTS_OF:
        return Passport.objects.none()
    return Passport.objects.filter(**{PASSPORTS_OF[Subject(kind)]: ids}, expires_at__gt=now - STILL_BORNE)


def _entries(kind: str, ids: Any) -> tuple[QuerySet[StatusEntry], QuerySet[StatusEntry]]:
    """The places of the agents and of the consents that a subject covers."""
    agents, consents = Agent.objects.none(), Consent.objects.none()
    if kind in AGENTS_OF:
        agents = Agent.objects.filter(**{AGENTS_OF[Subject(kind)]: ids})
    if kind in CONSENTS_OF:
        consents = Consent.objects.filter(**{CONSENTS_OF[kind]: ids})
    return (
        StatusEntry.objects.filter(root__in=agents.values("client_id")),
        StatusEntry.objects.filter(root__in=consents.values("id")),
    )


def _passport_values(passports: QuerySet[Passport]) -> dict[int, int]:
    rows = passports.annotate(of_account=_effect_of_account("account_id", "environment")).values_list(
        "status_index", "agent__state", "environment",
        "account_id", "of_account", "agent__client_id", "agent__effect", "key_id", "key__effect",
        "jti", "effect", "signing_key_id", "signing_key__effect",
    )  # fmt: skip
    kinds = (Subject.ACCOUNT, Subject.AGENT, Subject.KEY, Subject.PASSPORT, Subject.SIGNING_KEY)
    return _values([Root(*row[:2], _owns(kinds, *row[2:])) for row in rows])


def _effect_of_account(account: str, environment: str) -> Case:
    """As a column of rows that name an account and an environment."""
    there = {
        name: Subquery(account_states(name).filter(account_id=OuterRef(account)).values("there"))
        for name in ENVIRONMENTS
    }
    return Case(
        *(
            When(**{environment: name}, then=Coalesce(effect, int(Effect.NONE)))
            for name, effect in there.items()
        )
    )


def _agent_values(entries: QuerySet[StatusEntry]) -> dict[int, int]:
    agents = Agent.objects.filter(client_id=OuterRef("root"))
    rows = (
        entries.annotate(
            of_agent=Subquery(agents.values("account_id")), environment=Subquery(agents.values("environment"))
        )
        .annotate(
            of_account=_effect_of_account("of_agent", "environment"),
            own=Subquery(agents.values("effect")),
            state=Subquery(agents.values("state")),
        )
        .values_list("index", "state", "environment", "of_agent", "of_account", "root", "own")
    )
    kinds = (Subject.ACCOUNT, Subject.AGENT)
    return _values([Root(*row[:2], _owns(kinds, *row[2:])) for row in rows])


def _consent_values(entries: QuerySet[StatusEntry]) -> dict[int, int]:
    """One that ended is as final as a closed agent; else what covers its agent covers it."""
    places = dict(entries.values_list("root", "index"))
    rows = (
        Consent.objects.filter(id__in=entries.values("root"))
        .annotate(of_account=_effect_of_account("agent__account_id", "agent__environment"))
        .values_list(
            "id", "ended_at", "agent__state", "agent__environment",
            "agent__account_id", "of_account", "agent__client_id", "agent__effect",
        )
    )  # fmt: skip
    kinds = (Subject.ACCOUNT, Subject.AGENT)
    roots = []
    for consent_id, ended_at, state, environment, *columns in rows:
        owns = _owns(kinds, environment or "", *[column or 0 for column in columns])
        roots.append(Root(places[consent_id], Agent.State.CLOSED if ended_at else state or "", owns))
    return _values(roots)


class Own(NamedTuple):
    """A subject of a credential, and its own effect."""

    kind: str
    id: str
    effect: int
    environment: str
    """In which one an account is looked at."""


class Root(NamedTuple):
    """What decides one place of a list."""

    place: int
    agent_state: str
    subjects: tuple[Own, ...]

    @property
    def strongest(self) -> int:
        return max(own.effect for own in self.subjects)


def _owns(kinds: Sequence[str], environment: str, *columns: Any) -> tuple[Own, ...]:
    return tuple(Own(kind, columns[2 * n], columns[2 * n + 1], environment) for n, kind in enumerate(kinds))


def _values(roots: Sequence[Root]) -> dict[int, int]:
    """A closed agent's credentials are as final as a settled revoke."""
    settled = _settled({own for root in roots for own in root.subjects if own.effect == Effect.REVOKE})
    return {
        root.place: status_value(Effect.REVOKE, settled=True)
        if root.agent_state == Agent.State.CLOSED
        else status_value(root.strongest, settled=any(own in settled for own in root.subjects))
        for root in roots
    }


def _settled(revoked: set[Own]) -> set[Own]:
    """Those of these subjects that a revoke covers which can no longer be undone. A query for each kind."""
    found: set[Own] = set()
    for kind, environment in sorted({(own.kind, own.environment) for own in revoked}):
        by_id = {own.id: own for own in revoked if (own.kind, own.environment) == (kind, environment)}
        for part in in_chunks(list(by_id)):
            rows = Restriction.objects.filter(
                subject_type=kind, subject_id__in=part, lifted_at=None, effect=Effect.REVOKE, undo_until=None
            )
            if kind == Subject.ACCOUNT:
                rows = rows.filter(environment__in=("", environment))
            found.update(by_id[name] for name in rows.values_list("subject_id", flat=True))
    return found
