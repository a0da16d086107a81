"""What one read of the database says about an agent's limits."""

from datetime import timedelta

import pytest

from accounts.linkage.models import AccountCluster, Cluster, ClusterLink
from attestation.evidence.models import AccountLevel
from passport.admission.holders import holder_of, partition_for, token_buckets
from passport.limits.models import LimitOverride, LimitPolicy
from passport.standing.read import find_by_agent
from tests.passport.population import NOON, account, agent

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def cluster():
    """Alice and Mallory, found linked."""
    cluster = Cluster.objects.create(id="clu_1", environment="sandbox", grade="linked", size=2)
    for name in ("alice", "mallory"):
        agent(account(name), name)
        AccountCluster.objects.create(
            account_id=f"acc_{name}", environment="sandbox", cluster=cluster, changed_at=NOON
        )
        AccountLevel.objects.create(account_id=f"acc_{name}", environment="sandbox", identity="document")
    return cluster


def read(name: str):
    return find_by_agent(f"agent_{name}", thumbprint=None, audience="")


def test_members_share_a_partition_and_a_bucket(cluster) -> None:
    alice, mallory = read("alice"), read("mallory")
    assert partition_for(alice) == partition_for(mallory)
    shared = [token_buckets(who, NOON, organisation_most=10)[-1] for who in (alice, mallory)]
    assert shared[0].key == shared[1].key
    assert shared[0].name == "shared"


def test_an_account_in_no_cluster_has_no_pool() -> None:
    agent(account("alice"), "alice")
    assert holder_of(read("alice"), NOON).pool is None


def test_members_are_counted_by_level_where_a_policy_has_tiers(cluster) -> None:
    assert holder_of(read("alice"), NOON).pool.members == {}
    LimitPolicy.objects.create(
        scope="token",
        name="account",
        applies_to="account",
        tier="document",
        quota=900,
        window_seconds=60,
        burst=900,
    )
    AccountLevel.objects.filter(account_id="acc_mallory").update(identity_until=NOON - timedelta(days=900))
    alice = read("alice")
    assert holder_of(alice, NOON).pool.members == {"document": 1, "email": 1}
    assert token_buckets(read("mallory"), NOON, organisation_most=10)[-1].quota == 900


def test_a_members_override_is_known_to_all(cluster) -> None:
    policy = LimitPolicy.objects.create(
        scope="token", name="account", applies_to="account", quota=600, window_seconds=60, burst=600
    )
    LimitOverride.objects.create(
        account_id="acc_mallory", policy=policy, quota=700, burst=700, ends_at=NOON + timedelta(days=900)
    )
    assert token_buckets(read("alice"), NOON, organisation_most=10)[-1].quota == 700


def test_a_document_seen_with_another_member_is_not_ones_own(cluster) -> None:
    assert holder_of(read("alice"), NOON).pool.own_document
    ClusterLink.objects.create(
        cluster=cluster,
        account_id="acc_alice",
        kind="government_document",
        value_hash=b"x",
        holders=2,
        bits=9,
    )
    assert not holder_of(read("alice"), NOON).pool.own_document
