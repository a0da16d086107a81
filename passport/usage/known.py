"""Whom a service can know: the agents that may reach it, or could within the last day."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from passport.agents.models import Agent
from passport.credentials.models import IssueRecord, Passport
from passport.services.models import AgentGrant, Service
from passport.status.models import StatusEntry

REMEMBERED = timedelta(hours=25)
"""Longer than a report may be late: access that was taken away did not undo what was used."""


@dataclass(frozen=True, slots=True)
class Known:
    account_id: str


def find_known(service: Service, agents: Collection[str], now: datetime) -> dict[str, Known]:
    """By client_id. What exists elsewhere is not told from what exists nowhere. Two or three queries."""
    rows = Agent.objects.filter(client_id__in=set(agents), environment=service.environment)
    found = dict(rows.values_list("client_id", "account_id"))
    granted = AgentGrant.objects.filter(service=service, agent__client_id__in=found)
    reach = set(granted.values_list("agent__client_id", flat=True))
    if others := found.keys() - reach:
        issued = IssueRecord.objects.filter(
            agent__in=others, audience=service.audience, issued_at__gt=now - REMEMBERED
        )
        reach |= set(issued.values_list("agent", flat=True).distinct())
    return {agent: Known(found[agent]) for agent in reach}


def find_roots(
    credentials: Iterable[tuple[str, int]], *, list_uris_under: str
) -> Mapping[tuple[str, int], tuple[str, str]]:
    """Root and, where it is a passport, account of each credential: status list and index. Two queries."""
    places = {pair: (_number(pair[0], list_uris_under), pair[1]) for pair in credentials}
    wanted = {pair: place for pair, place in places.items() if place[0] is not None}
    if not wanted:
        return {}
    lists, indexes = zip(*wanted.values(), strict=True)
    rows = StatusEntry.objects.filter(list_id__in=set(lists), index__in=set(indexes))
    roots = {(number, index): root for number, index, root in rows.values_list("list_id", "index", "root")}
    owners = dict(Passport.objects.filter(jti__in=roots.values()).values_list("jti", "account_id"))
    return {
        pair: (roots[place], owners.get(roots[place], "")) for pair, place in wanted.items() if place in roots
    }


def _number(uri: str, under: str) -> int | None:
    tail = uri.removeprefix(under)
    return int(tail) if tail != uri and tail.isascii() and tail.isdigit() and len(tail) < 10 else None
