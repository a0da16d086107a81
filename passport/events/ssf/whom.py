"""Looks up whom a restriction is about: account, environment, agent."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.events.ssf.happening import Whom
from passport.restrictions.subjects import ENVIRONMENTS, Subject, SubjectRef


def found(refs: Sequence[SubjectRef], environment: str) -> list[Whom]:
    """In the order of ``refs`` within each kind. One query for each kind; what is gone is left out.

    An account is about each environment apart, or about ``environment`` alone.
    """
    by_kind: dict[str, list[str]] = {}
    for ref in refs:
        by_kind.setdefault(ref.type, []).append(ref.id)
    accounts = by_kind.get(Subject.ACCOUNT, [])
    there = (environment,) if environment else ENVIRONMENTS
    whom = [Whom("account", each, account_id) for account_id in accounts for each in there]
    return [*whom, *_agents(by_kind), *_keys(by_kind), *_passports(by_kind)]


def _agents(by_kind: dict[str, list[str]]) -> Iterator[Whom]:
    names = by_kind.get(Subject.AGENT, [])
    rows = Agent.objects.filter(client_id__in=names) if names else ()
    held = {row.client_id: row for row in rows}
    for row in _in_order(names, held):
        yield Whom("agent", row.environment, row.account_id, row.client_id)


def _keys(by_kind: dict[str, list[str]]) -> Iterator[Whom]:
    names = by_kind.get(Subject.KEY, [])
    rows = AgentKey.objects.filter(pk__in=names).select_related("agent") if names else ()
    for row in _in_order(names, {row.pk: row for row in rows}):
        yield Whom("key", row.agent.environment, row.agent.account_id, row.agent.client_id)


def _passports(by_kind: dict[str, list[str]]) -> Iterator[Whom]:
    names = by_kind.get(Subject.PASSPORT, [])
    rows = Passport.objects.filter(pk__in=names).select_related("agent") if names else ()
    for row in _in_order(names, {row.pk: row for row in rows}):
        yield Whom("passport", row.environment, row.account_id, row.agent.client_id, row.pk)


def _in_order(names: Iterable[str], held: dict[str, Any]) -> list[Any]:
    return [held[name] for name in names if name in held]
