"""Whatever the order: budgets hold, nobody starves, all or nothing, no proof twice.

Several processes with clocks of their own, one request of each between any two steps of the others:
facts are read, things change, the store decides. Between, stores are lost and replaced, and accounts
join and leave a cluster. ``AP_ADMISSION_RUNS`` says how many such runs (`make soak`: 2,000).
"""

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from passport.admission.contract import Admission, StoreLost, Verdict, partition_of
from passport.admission.memory import MemoryStore
from passport.admission.mode import PROOF_AHEAD, microseconds, needs_nonce
from passport.limits.policies import Holder, Policy, Pool, buckets_for
from passport.proofs.spent import Spent, spend

RUNS = int(os.environ.get("AP_ADMISSION_RUNS", "12"))
STEPS = 400
SKEW_SECONDS = 3
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROWS = (
    Policy(1, "svc", "a", "agent", "credential", "", 6, 60, 4),
    Policy(2, "svc", "a", "account", "account", "", 12, 60, 8),
)
BURST = {"cr": 4, "ac": 8, "cl": 8}
A_SECOND = {"cr": 6 / 60, "ac": 12 / 60, "cl": 12 / 60}


@dataclass
class Store:
    """Redis in small: what it holds lies apart for each partition, and an emptied one is not believed."""

    since_us: int
    partitions: dict[str, MemoryStore] = field(default_factory=dict)

    def admit(self, admission: Admission, since_us: int) -> Verdict:
        store = self.partitions.setdefault(admission.partition, MemoryStore())
        store.mark(self.since_us)
        return store.admit(admission, since_us)


@dataclass
class Account:
    name: str
    cluster: str = ""
    changed_at: datetime | None = None


@dataclass
class Facts:
    """What a process read before it asks the store."""

    account: Account
    agent: str
    cluster: str
    since: datetime
    now: datetime
    changed_at: datetime | None


class World:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = NOON
        self.since = NOON - timedelta(days=1)
        self.store = Store(microseconds(self.since))
        self.accounts = [Account(name) for name in "abc"]
        self.clocks = [timedelta(seconds=self.chance.uniform(-SKEW_SECONDS, SKEW_SECONDS)) for _ in range(4)]
        self.proofs: list[tuple[Spent, datetime, str]] = []
        self.accepted: Counter[bytes] = Counter()
        self.used: Counter[str] = Counter()
        self.fillings: Counter[str] = Counter()
        self.open: list[tuple[Facts, tuple[Spent, datetime, str]]] = []

    def step(self) -> None:
        self.now += timedelta(seconds=self.chance.expovariate(4))
        roll = self.chance.random()
        if roll < 0.01:
            self.lose_the_store()
        elif roll < 0.03:
            self.move(self.chance.choice(self.accounts))
        elif roll < 0.04:
            place = self.chance.randrange(len(self.clocks))
            self.clocks[place] = timedelta(seconds=self.chance.uniform(-SKEW_SECONDS, SKEW_SECONDS))
        elif roll < 0.55 or not self.open:
            self.open.append(self.begin())
        else:
            self.finish(*self.open.pop(self.chance.randrange(len(self.open))))

    def lose_the_store(self) -> None:
        self.since = self.now
        self.store = Store(microseconds(self.since))
        self.fillings.update(dict.fromkeys(self.used, 1))

    def move(self, account: Account) -> None:
        account.cluster = self.chance.choice(["", "x", "y"])
        account.changed_at = self.now
        self.fillings.update({key: 1 for key in self.used if key[2:].split(":")[0].endswith(account.name)})

    def begin(self) -> tuple[Facts, tuple[Spent, datetime, str]]:
        """A process reads the facts; the proof is a new one, or one that somebody saw."""
        account, now = self.chance.choice(self.accounts), self.now + self.chance.choice(self.clocks)
        mine = [proof for proof in self.proofs if proof[2] == account.name]
        if mine and self.chance.random() < 0.4:
            proof = self.chance.choice(mine)
        else:
            made_at = now - timedelta(seconds=self.chance.uniform(0, 20))
            ends_us = microseconds(made_at + timedelta(seconds=120))
            proof = (
                spend("proof", account.name, str(len(self.proofs)), expires_at_us=ends_us),
                made_at,
                account.name,
            )
            self.proofs.append(proof)
        agent = account.name + self.chance.choice("12")
        return Facts(account, agent, account.cluster, self.since, now, account.changed_at), proof

    def finish(self, facts: Facts, proof: tuple[Spent, datetime, str]) -> None:
        spent, made_at, _ = proof
        if not made_at - PROOF_AHEAD <= facts.now <= made_at + timedelta(seconds=60):
            return
        if needs_nonce(made_at, facts.since, facts.changed_at):
            return
        buckets = buckets_for(
            self.holder(facts), ROWS, service_id="svc", scope="a", cost=1, now=facts.now, organisation_most=1
        )
        partition = partition_of(facts.cluster or facts.account.name)
        admission = Admission(partition, (spent,), buckets, None, microseconds(facts.now))
        try:
            verdict = self.store.admit(admission, microseconds(facts.since))
        except StoreLost:
            return
        if verdict.taken:
            self.accepted[spent.digest] += 1
            self.used.update(bucket.key for bucket in buckets)

    def holder(self, facts: Facts) -> Holder:
        pool = Pool(facts.cluster, "linked", 2, {}, {}, False) if facts.cluster else None
        return Holder(facts.agent, facts.account.name, NOON, "email", pool=pool)

    def most(self, key: str) -> float:
        """The budget, once more for each time that its store or its partition began anew, and the skew."""
        elapsed = (self.now - NOON).total_seconds() + 2 * SKEW_SECONDS
        again = 1 + self.fillings[key] + (len(self.accounts) if key.startswith("cl") else 0)
        return BURST[key[:2]] * again + elapsed * A_SECOND[key[:2]] + 1


@pytest.fixture(scope="module", params=range(RUNS))
def run(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    for _ in range(STEPS):
        world.step()
    return world


def test_no_subject_gets_more_than_its_budget_and_the_stated_overshoot(run: World) -> None:
    assert {key: used for key, used in run.used.items() if used > run.most(key)} == {}
    assert sum(run.used.values()) > 0


def test_no_proof_is_accepted_twice(run: World) -> None:
    assert [digest for digest, times in run.accepted.items() if times > 1] == []


def test_all_or_nothing_across_agent_account_and_cluster(run: World) -> None:
    """Each unit of an account was one of its agents', and of its clusters' as long as it was in one."""
    taken = sum(run.accepted.values())
    by_kind = Counter[str]()
    for key, used in run.used.items():
        by_kind[key[:2]] += used
    assert by_kind["cr"] == by_kind["ac"] == taken
    assert by_kind["cl"] <= taken


def test_nobody_starves(run: World) -> None:
    """Left alone for two windows, every account passes, whatever went before."""
    run.now += timedelta(seconds=180)
    run.proofs.clear()
    before = dict(run.accepted)
    for account in run.accounts:
        facts = Facts(account, account.name + "1", account.cluster, run.since, run.now, account.changed_at)
        made = (
            spend("proof", account.name, f"last{run.now}", expires_at_us=microseconds(run.now) + 90_000_000),
            run.now,
            account.name,
        )
        run.finish(facts, made)
    assert sum(run.accepted.values()) - sum(before.values()) == len(run.accounts)
