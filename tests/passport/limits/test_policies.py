"""Which buckets hold for whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from passport.limits.buckets import Level
from passport.limits.policies import Holder, Policy, Pool, buckets_for

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EACH = Policy(1, "svc", "model:infer", "minute", "credential", "", 60, 60, 60)
ALL = Policy(2, "svc", "model:infer", "day", "account", "", 5000, 86400, 600)
ALICE = Holder("agent_a", "acc_alice", NOON - timedelta(days=10), "document")
HYDRA = Pool("clu_1", "linked", 3, {}, {}, own_document=True)


def hold(holder=ALICE, *rows, scope="model:infer", service_id="svc", most=10):
    return buckets_for(
        holder,
        rows or (EACH, ALL),
        service_id=service_id,
        scope=scope,
        cost=1,
        now=NOON,
        organisation_most=most,
    )


def test_agent_and_account_are_charged_at_once() -> None:
    assert [(bucket.level, bucket.name, bucket.quota) for bucket in hold()] == [
        (Level.CREDENTIAL, "minute", 60), (Level.ACCOUNT, "day", 5000),
    ]  # fmt: skip


def test_two_agents_of_one_account_share_its_bucket_only() -> None:
    mine, other = hold(), hold(replace(ALICE, agent_id="agent_b"))
    assert mine[0].key != other[0].key
    assert mine[1].key == other[1].key


def test_another_scope_another_service_and_another_account_have_their_own() -> None:
    everywhere = [replace(EACH, scope=""), replace(ALL, scope="")]
    mine = {bucket.key for bucket in hold(ALICE, *everywhere)}
    embed = {bucket.key for bucket in hold(ALICE, *everywhere, scope="model:embed")}
    elsewhere = [replace(row, service_id="svc2") for row in everywhere]
    other = {bucket.key for bucket in hold(ALICE, *elsewhere, service_id="svc2")}
    assert not mine & embed
    assert not mine & other


def test_the_token_endpoint_is_limited_without_any_row() -> None:
    assert [bucket.quota for bucket in hold(ALICE, EACH, scope="token", service_id="")] == [60, 600]


def test_a_row_takes_the_place_of_the_default_of_its_name() -> None:
    wide = Policy(9, "", "token", "agent", "credential", "", 600, 60, 600)
    assert sorted(bucket.quota for bucket in hold(ALICE, wide, scope="token", service_id="")) == [600, 600]


def test_of_the_services_default_and_the_scopes_own_the_stricter_holds() -> None:
    default = replace(EACH, id=3, scope="", quota=100, burst=10)
    (bucket,) = hold(ALICE, EACH, default)
    assert (bucket.rate.burst, bucket.rate.emission_us) == (10, 1_000_000)


@pytest.mark.parametrize(("identity", "quota"), [("email", 60), ("federated", 120), ("document", 600)])
def test_the_highest_tier_that_the_account_reaches_holds(identity, quota) -> None:
    tiers = [
        EACH,
        replace(EACH, id=3, tier="federated", quota=120),
        replace(EACH, id=4, tier="document", quota=600),
    ]
    (bucket,) = hold(replace(ALICE, identity=identity), *tiers)
    assert bucket.quota == quota


def test_who_reaches_no_tier_is_held_to_the_lowest_not_free() -> None:
    tiers = [replace(EACH, tier="document", quota=600), replace(EACH, id=3, tier="federated", quota=120)]
    assert hold(replace(ALICE, identity="email"), *tiers)[0].quota == 120


def test_a_tier_leaves_the_default_of_the_token_endpoint_to_the_others() -> None:
    wide = Policy(9, "", "token", "agent", "credential", "document", 600, 60, 600)
    buckets = hold(replace(ALICE, identity="email"), wide, scope="token", service_id="")
    assert sorted(bucket.quota for bucket in buckets) == [60, 600]


def test_an_override_holds_until_its_end() -> None:
    lasting = replace(
        EACH, override_quota=300, override_burst=300, override_until=NOON + timedelta(seconds=1)
    )
    assert hold(ALICE, lasting)[0].quota == 300
    assert hold(ALICE, replace(lasting, override_until=NOON))[0].quota == 60


def test_a_throttle_scales_every_bucket_of_its_account() -> None:
    buckets = hold(replace(ALICE, factor=0.5))
    assert [bucket.quota for bucket in buckets] == [30, 2500]
    assert buckets[0].rate.emission_us >= 2_000_000


def test_a_throttle_to_nothing_gives_nothing() -> None:
    assert {bucket.rate.burst for bucket in hold(replace(ALICE, factor=0.0))} == {0}


class TestCluster:
    def test_its_bucket_is_called_shared_and_names_no_cluster(self) -> None:
        shared = hold(replace(ALICE, pool=HYDRA))[-1]
        assert (shared.level, shared.name, shared.quota) == (Level.CLUSTER, "shared", 5000)

    def test_all_members_meet_in_one_bucket(self) -> None:
        mine, mallorys = (hold(replace(ALICE, account_id=who, pool=HYDRA))[-1] for who in ("acc_a", "acc_m"))
        assert mine.key == mallorys.key

    def test_its_budget_is_the_largest_of_a_member(self) -> None:
        tiers = [ALL, replace(ALL, id=5, tier="document", quota=20_000, burst=2000)]
        pool = replace(HYDRA, members={"email": 2, "document": 1})
        own, shared = hold(replace(ALICE, identity="email", pool=pool), *tiers)
        assert (own.quota, shared.quota) == (5000, 20_000)

    def test_a_members_override_counts_for_the_largest(self) -> None:
        shared = hold(replace(ALICE, pool=replace(HYDRA, overrides={2: (9000, 900)})))[-1]
        assert shared.quota == 9000

    def test_an_organisation_has_the_sum_up_to_the_setting(self) -> None:
        company = replace(ALICE, pool=replace(HYDRA, grade="organisation"))
        assert hold(company)[-1].quota == 15_000
        assert hold(company, most=2)[-1].quota == 10_000

    def test_a_candidate_is_not_pooled(self) -> None:
        assert len(hold(replace(ALICE, pool=replace(HYDRA, grade="candidate")))) == 2

    @pytest.mark.parametrize(
        ("change", "kept"),
        [
            ({}, True),
            ({"identity": "federated"}, False),
            ({"account_created_at": NOON - timedelta(days=89)}, False),
            ({"pool": replace(HYDRA, own_document=False)}, False),
        ],
    )
    def test_only_old_members_with_a_document_of_their_own_keep_a_floor(self, change, kept) -> None:
        old = {"account_created_at": NOON - timedelta(days=90), "pool": HYDRA, **change}
        floor = hold(replace(ALICE, **old))[-1].floor
        assert (floor is not None) == kept
        if floor is not None:
            assert floor.rate.burst == 30
