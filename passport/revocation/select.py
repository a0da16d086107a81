"""Who is hit: one function for each way of choosing; all give the same stored set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from accounts.linkage.clusters import Reason, members_of, reasons_of
from accounts.owners.models import Account
from foundation import clock
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.restrictions.subjects import Subject
from passport.revocation.batch import BatchError
from passport.revocation.chosen_lists import resolve
from passport.revocation.models import BatchMember, ChosenList, RevocationBatch
from passport.revocation.queries import MOST_ACCOUNTS, accounts_of, moment

MOST_PASSPORTS = 200_000
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


def by_list(batch: RevocationBatch) -> list[Chosen]:
    """What a person handed in. Raises BatchError ``bad_list`` with the lines."""
    handed_in = ChosenList.objects.filter(batch=batch).first()
    names = handed_in.names if handed_in else []
    return [
        Chosen(one.type, one.id, one.account_id, _named(f"on the list {batch.chosen_from}"))
        for one in resolve(names, batch.environment)
    ]


def by_query(batch: RevocationBatch) -> list[Chosen]:
    """Raises BatchError ``bad_query``, ``too_many``."""
    found = accounts_of(batch.chosen_from, batch.environment).values_list("pk", flat=True)
    account_ids = list(found[: MOST_ACCOUNTS + 1])
    _check_bound(len(account_ids), MOST_ACCOUNTS)
    why = _named(f"meets {batch.chosen_from}")
    return [Chosen(Subject.ACCOUNT, account_id, account_id, why) for account_id in account_ids]


def by_signing_key(batch: RevocationBatch) -> list[Chosen]:
    """The living passports that bear a signature of the key; the key itself is the leak command's."""
    return _passports(
        batch, f"signed by {batch.chosen_from}", Passport.objects.filter(signing_key_id=batch.chosen_from)
    )


def by_since(batch: RevocationBatch) -> list[Chosen]:
    """The living passports issued at a moment or after it. Raises BatchError ``bad_query``."""
    since = moment(batch.chosen_from)
    return _passports(
        batch, f"issued since {since:%Y-%m-%d %H:%M} UTC", Passport.objects.filter(issued_at__gte=since)
    )


WAYS: Mapping[str, Callable[[RevocationBatch], list[Chosen]]] = {
    "cluster": by_cluster,
    "account": by_account,
    "agent": by_agent,
    "passport": by_passport,
    "thumbprint": by_thumbprint,
    "newcomers": by_newcomers,
    "list": by_list,
    "query": by_query,
    "signing_key": by_signing_key,
    "since": by_since,
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


def _passports(batch: RevocationBatch, words: str, rows: QuerySet[Passport]) -> list[Chosen]:
    living = rows.filter(environment=batch.environment, expires_at__gt=clock.now()).order_by("pk")
    held = list(living.values_list("pk", "account_id")[: MOST_PASSPORTS + 1])
    _check_bound(len(held), MOST_PASSPORTS)
    return [Chosen(Subject.PASSPORT, jti, account_id, _named(words)) for jti, account_id in held]


def _check_bound(found: int, most: int) -> None:
    if found > most:
        raise BatchError("too_many", f"this chooses more than {most}: choose more narrowly")


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
