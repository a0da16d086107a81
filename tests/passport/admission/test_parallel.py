"""Many at once: what one after the other shows must hold in any interleaving."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from tests.passport.admission.asking import NOON_US, SECOND, ask, bucket, fresh, proof

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 6


def at_once(store, lists):
    """Each list of admissions by a thread of its own, all starting together. Gives all verdicts."""
    start = Barrier(len(lists))

    def work(admissions):
        start.wait(10)
        try:
            return [store.admit(admission) for admission in admissions]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(lists)) as pool:
        return [verdict for verdicts in pool.map(work, lists) for verdict in verdicts]


@pytest.mark.refusal("RL-01")
def test_of_a_burst_in_parallel_exactly_the_quota_passes(store) -> None:
    key = fresh("b")
    verdicts = at_once(store, [[ask(bucket(key, 20))] * 6 for _ in range(WORKERS)])
    assert sum(verdict.taken for verdict in verdicts) == 20


@pytest.mark.refusal("RL-02")
def test_what_is_limited_is_the_subject_and_never_an_address(store) -> None:
    """No part of an admission is an address: one client's burst leaves its neighbour's budget whole."""
    noisy, quiet = fresh("b"), fresh("b")
    at_once(store, [[ask(bucket(noisy, 3))] * 4 for _ in range(WORKERS)])
    assert all(store.admit(ask(bucket(quiet, 3))).taken for _ in range(3))
    assert not {"address", "ip"} & set(type(ask()).__dataclass_fields__)


def test_the_same_proof_in_parallel_is_accepted_once(store) -> None:
    shared = [proof() for _ in range(8)]
    verdicts = at_once(store, [[ask(spent=(one,)) for one in shared] for _ in range(WORKERS)])
    assert sum(verdict.taken for verdict in verdicts) == len(shared)


@pytest.mark.parametrize("seed", [1, 2])
def test_in_any_interleaving_nobody_gets_more_and_all_or_nothing_holds(store, seed) -> None:
    """Agents of accounts of one cluster, proofs presented more than once, clocks that jump by a second.

    Every unit taken from an agent was taken from its account and its cluster too, so the
    cluster's budget bounds the sum of all.
    """
    chance, run = random.Random(seed), fresh("run")
    bursts = {"agent": 5, "account": 8, "cluster": 11}
    proofs = [proof(life_us=90 * SECOND) for _ in range(40)]
    plans, elapsed_us = [], 3 * SECOND
    for _ in range(WORKERS):
        plan = []
        for _ in range(12):
            name = chance.choice("ab")
            keys = {"agent": name + chance.choice("12"), "account": name, "cluster": ""}
            buckets = [bucket(f"{run}:{kind}:{who}", bursts[kind]) for kind, who in keys.items()]
            now_us = NOON_US + chance.randrange(0, elapsed_us + 1, SECOND)
            plan.append(ask(*buckets, spent=(chance.choice(proofs),), now_us=now_us))
        plans.append(plan)
    verdicts = at_once(store, plans)
    asked = [admission for plan in plans for admission in plan]
    taken = [admission for admission, verdict in zip(asked, verdicts, strict=True) if verdict.taken]
    used: dict[str, int] = {}
    for admission in taken:
        for one in admission.buckets:
            used[one.key] = used.get(one.key, 0) + 1
    for key, units in used.items():
        assert units <= bursts[key.split(":")[1]] + elapsed_us // SECOND
    accepted = [admission.spent[0].digest for admission in taken]
    assert len(accepted) == len(set(accepted))
    full = [bucket(f"{run}:cluster:", 11, cost=1)]
    left = store.admit(ask(*full, now_us=NOON_US + 60 * SECOND)).remaining[0].left.units
    assert left == 10
