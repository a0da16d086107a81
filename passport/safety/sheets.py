"""What the console's pages show of an account and of a cluster, read in a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, F, Q

from accounts.flags.models import Flag
from accounts.linkage.clusters import (
    Candidate,
    Place,
    Reason,
    Seen,
    hubs_of,
    neighbours_of,
    places_of,
    reasons_of,
)
from accounts.linkage.models import Cluster
from accounts.linkage.weigh import say_candidate, say_shared
from accounts.owners.models import Account
from attestation.evidence.standing import Levels, levels_of
from foundation.ledger.read import entries_about
from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import account_states
from passport.safety.happenings import Happening, happenings, people_of

SHOWN = 50
"""Rows of one kind on a page about one account."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A flag, and who raised it."""

    flag: Flag
    who: str


@dataclass(frozen=True, slots=True)
class AccountSheet:
    account: Account
    environment: str
    effect: int
    """The account's own; its agents keep their own beside it."""
    levels: Levels
    place: Place | None
    reasons: Sequence[Reason]
    """Why it is in its cluster."""
    no_evidence: Sequence[Seen]
    """What it shares that says nothing."""
    agents: Sequence[Agent]
    passports: Sequence[Passport]
    restrictions: Sequence[Restriction]
    flags: Sequence[Raised]
    timeline: Sequence[Happening]

    @property
    def open_flag(self) -> Flag | None:
        """The one a batch would answer: the newest that is open."""
        return next((one.flag for one in self.flags if one.flag.state == Flag.State.OPEN), None)


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a cluster, most doubtful first."""

    account: Account
    effect: int
    reasons: Sequence[Reason]
    agents: int
    live_passports: int

    @property
    def bits(self) -> float:
        """How strongly the account is tied in, all reasons together."""
        return sum(reason.bits for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Beside:
    """An account that shares something and is not in."""

    account: Account
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class ClusterSheet:
    cluster: Cluster
    members: Sequence[Member]
    beside: Sequence[Beside]
    open_flag: Flag | None
    """The newest open flag of a member or of the cluster: what a batch would answer."""
    timeline: Sequence[Happening]

    @property
    def agents(self) -> int:
        return sum(member.agents for member in self.members)

    @property
    def live_passports(self) -> int:
        return sum(member.live_passports for member in self.members)


def read_account(account: Account, environment: str, now: datetime) -> AccountSheet:
    """An account in one environment. A dozen queries, whatever it owns."""
    place = places_of([(account.pk, environment)]).get((account.pk, environment))
    passports = Passport.objects.filter(account=account, environment=environment)
    return AccountSheet(
        account=account,
        environment=environment,
        effect=_effects([account.pk], environment).get(account.pk, Effect.NONE),
        levels=levels_of(account.pk, environment, now),
        place=place,
        reasons=_in_names(_reasons(account.pk, place)),
        no_evidence=hubs_of(account.pk, environment),
        agents=list(Agent.objects.filter(account=account, environment=environment).order_by("-pk")[:SHOWN]),
        passports=list(passports.select_related("agent").order_by("-issued_at")[:SHOWN]),
        restrictions=active_restrictions([account.pk], now),
        flags=_raised(account.pk, environment),
        timeline=happenings(entries_about(account.pk, limit=SHOWN)),
    )


def read_cluster(cluster: Cluster, now: datetime) -> ClusterSheet:
    """A cluster with everybody in it and beside it. A dozen queries, whatever its size."""
    reasons = reasons_of(cluster.pk)
    candidates = neighbours_of(cluster.pk) if cluster.ended_at is None else []
    wanted = [*reasons, *(candidate.account_id for candidate in candidates)]
    accounts = Account.objects.in_bulk(wanted)
    names = {pk: account.name for pk, account in accounts.items()}
    effects = _effects(list(reasons), cluster.environment)
    agents = _agent_counts(list(reasons), cluster.environment)
    passports = _live_passports(list(reasons), cluster.environment, now)
    members = [
        Member(
            account=accounts[one],
            effect=effects.get(one, Effect.NONE),
            reasons=[_said(reason, names) for reason in found],
            agents=agents.get(one, 0),
            live_passports=passports.get(one, 0),
        )
        for one, found in reasons.items()
    ]
    return ClusterSheet(
        cluster=cluster,
        members=sorted(members, key=lambda member: (member.bits, member.account.pk)),
        beside=[_beside(one, accounts, names) for one in candidates],
        open_flag=_open_flag(cluster, list(reasons)),
        timeline=happenings(entries_about(cluster.pk, limit=SHOWN)),
    )


def _reasons(account_id: str, place: Place | None) -> list[Reason]:
    return reasons_of(place.cluster_id).get(account_id, []) if place else []


def _in_names(reasons: Iterable[Reason]) -> list[Reason]:
    """The reasons in the names of the accounts: people do not read ids."""
    found = list(reasons)
    others = Account.objects.filter(pk__in={one for reason in found for one in reason.with_accounts})
    names = dict(others.values_list("pk", "name"))
    return [_said(reason, names) for reason in found]


def _said(reason: Reason, names: Mapping[str, str]) -> Reason:
    others = [names.get(one, one) for one in reason.with_accounts]
    return replace(reason, words=say_shared(reason.kind, reason.holders, others))


def _beside(candidate: Candidate, accounts: Mapping[str, Account], names: Mapping[str, str]) -> Beside:
    through = [names.get(one, one) for one in candidate.through]
    return Beside(
        accounts[candidate.account_id], replace(candidate, words=say_candidate(candidate.kinds, through))
    )


def _open_flag(cluster: Cluster, account_ids: Sequence[str]) -> Flag | None:
    rows = Flag.objects.filter(state=Flag.State.OPEN, environment=cluster.environment)
    return rows.filter(Q(cluster=cluster) | Q(account_id__in=account_ids)).order_by("-raised_at").first()


def _raised(account_id: str, environment: str) -> list[Raised]:
    rows = Flag.objects.filter(account_id=account_id, environment=environment).order_by("-raised_at")[:SHOWN]
    people = people_of(flag.raised_by for flag in rows)
    return [Raised(flag, people[flag.raised_by]) for flag in rows]


def active_restrictions(account_ids: Sequence[str], now: datetime) -> list[Restriction]:
    """What holds these accounts or what they own back now, newest first."""
    rows = Restriction.objects.filter(account_id__in=account_ids, lifted_at=None)
    return list(rows.filter(Q(ends_at=None) | Q(ends_at__gt=now)).order_by("-placed_at")[:SHOWN])


def _effects(account_ids: Sequence[str], environment: str) -> dict[str, int]:
    rows = account_states(environment).filter(account_id__in=account_ids)
    return dict(rows.values_list("account_id", "there"))


def _agent_counts(account_ids: Sequence[str], environment: str) -> dict[str, int]:
    rows = Agent.objects.filter(account_id__in=account_ids, environment=environment, state=Agent.State.ACTIVE)
    return dict(rows.values_list("account_id").annotate(number=Count("pk")).order_by())


def _live_passports(account_ids: Sequence[str], environment: str, now: datetime) -> dict[str, int]:
    """Passports that work now: not expired, and nothing of account, agent, key or their own against them."""
    rows = Passport.objects.filter(
        account_id__in=account_ids,
        environment=environment,
        expires_at__gt=now,
        effect__lt=Effect.SUSPEND,
        agent__effect__lt=Effect.SUSPEND,
        key__effect__lt=Effect.SUSPEND,
    )
    held = account_states(environment).filter(there__gte=Effect.SUSPEND).values("account_id")
    counted = rows.exclude(account_id__in=held).values_list(F("account_id")).annotate(number=Count("pk"))
    return dict(counted.order_by())
