"""Who is hit: one function for each way of choosing; all give the same stored set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accounts.linkage.clusters import Reason, members_of, reasons_of
from accounts.owners.models import Account
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.restrictions.subjects import Subject
from passport.revocation.batch import BatchError
from passport.revocation.models import BatchMember, RevocationBatch

MOST_REASONS = 8
"""Kept for each member: the strongest ones say why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One subject, and why it is in."""

    type: str
    id: str
    account_id: str
    why: list[dict[str, object]] = field(default_factory=list)


def choose(batch: RevocationBatch) -> list[Chosen]:
    """The set that the batch's choice gives now. Raises BatchError when it is empty or unknown."""
    select = WAYS.get(batch.chosen_by)
    if select is None:
        raise BatchError("unknown_choice", f"choose by one of: {', '.join(WAYS)}")
    chosen = select(batch)
    if not chosen:
        raise BatchError("nothing_chosen", f"no {batch.chosen_by} {batch.chosen_from}")
    return chosen


def by_cluster(batch: RevocationBatch) -> list[Chosen]:
    return _accounts_of_cluster(batch.chosen_from)


def by_newcomers(batch: RevocationBatch) -> list[Chosen]:
    """Members of a cluster who were not in the set of the batch that this one follows."""
    known = set(BatchMember.objects.filter(batch_id=batch.follows).values_list("account_id", flat=True))
    return [one for one in _accounts_of_cluster(batch.chosen_from) if one.account_id not in known]


def by_account(batch: RevocationBatch) -> list[Chosen]:
    found = Account.objects.filter(pk=batch.chosen_from)
    return [Chosen(Subject.ACCOUNT, one.pk, one.pk, _named("chosen by name")) for one in found]


def by_agent(batch: RevocationBatch) -> list[Chosen]:
    found = Agent.objects.filter(client_id=batch.chosen_from, environment=batch.environment)
    return [
        Chosen(Subject.AGENT, one.client_id, one.account_id, _named("chosen by its client_id"))
        for one in found
    ]


def by_passport(batch: RevocationBatch) -> list[Chosen]:
    found = Passport.objects.filter(pk=batch.chosen_from, environment=batch.environment)
    return [Chosen(Subject.PASSPORT, one.pk, one.account_id, _named("chosen by its jti")) for one in found]


def by_thumbprint(batch: RevocationBatch) -> list[Chosen]:
    found = AgentKey.objects.filter(
        thumbprint=batch.chosen_from, agent__environment=batch.environment
    ).select_related("agent")
    return [
        Chosen(Subject.KEY, one.pk, one.agent.account_id, _named("chosen by its thumbprint")) for one in found
    ]


WAYS: Mapping[str, Callable[[RevocationBatch], list[Chosen]]] = {
    "cluster": by_cluster,
    "account": by_account,
    "agent": by_agent,
    "passport": by_passport,
    "thumbprint": by_thumbprint,
    "newcomers": by_newcomers,
}


def links_now(cluster_id: str) -> dict[str, frozenset[str]]:
    """The present members of a cluster, each with the ``kind:tag`` of what it shares."""
    reasons = reasons_of(cluster_id)
    return {account: _tags(reasons.get(account, [])) for account in members_of(cluster_id)}


def _accounts_of_cluster(cluster_id: str) -> list[Chosen]:
    reasons = reasons_of(cluster_id)
    return [
        Chosen(Subject.ACCOUNT, account, account, _strongest(reasons.get(account, [])))
        for account in members_of(cluster_id)
    ]


def _tags(reasons: list[Reason]) -> frozenset[str]:
    return frozenset(f"{reason.kind}:{reason.tag}" for reason in reasons)


def _strongest(reasons: list[Reason]) -> list[dict[str, object]]:
    return [_said(reason) for reason in reasons[:MOST_REASONS]]


def _said(reason: Reason) -> dict[str, object]:
    return {
        "kind": reason.kind,
        "words": reason.words,
        "holders": reason.holders,
        "tag": reason.tag,
        "bits": round(reason.bits, 2),
    }


def _named(words: str) -> list[dict[str, object]]:
    return [{"kind": "", "words": words, "holders": 1, "tag": "", "bits": 0.0}]
