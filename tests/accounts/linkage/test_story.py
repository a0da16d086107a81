"""Three accounts of Mallory, and innocents who share something with them."""

from datetime import timedelta

import pytest

from accounts.linkage.clusters import cluster_of, members_of, neighbours_of, reasons_of, seen_of
from accounts.linkage.models import AccountCluster, Cluster, Signal
from accounts.linkage.observe import observe_visit
from foundation.jobs.outbox import run_due
from foundation.ledger.models import Entry
from tests.accounts.linkage.conftest import NOON, partition, see, see_hydra, settled

pytestmark = pytest.mark.django_db
HYDRA = {"acc_1", "acc_2", "acc_3"}


def cluster() -> str:
    found = cluster_of("acc_1", "sandbox")
    assert found is not None
    return found


def test_three_accounts_that_share_card_and_device_are_one_cluster() -> None:
    see_hydra(*HYDRA)
    settled()
    assert members_of(cluster()) == sorted(HYDRA)


def test_the_worker_finds_it_from_the_outbox() -> None:
    see_hydra(*HYDRA)
    run_due()
    assert partition() == {frozenset(HYDRA)}


def test_each_member_is_told_why_in_words_and_never_by_value() -> None:
    see_hydra(*HYDRA)
    settled()
    card, device = reasons_of(cluster())["acc_1"]
    assert card.words == "Same payment card or bank account as acc_2 and acc_3; 3 accounts have it."
    assert device.with_accounts == ("acc_2", "acc_3")
    assert card.bits > device.bits > 0
    assert len(card.tag) == 8
    assert "4242" not in repr(card)


def test_innocents_who_share_only_an_address_range_are_not_linked() -> None:
    see_hydra(*HYDRA)
    for account in ("acc_alice", "acc_carol"):
        see(account, "email", account)
    observe_visit([*sorted(HYDRA), "acc_alice", "acc_carol"], device="", address="203.0.113.7", seen_at=NOON)
    settled()
    assert partition() == {frozenset(HYDRA)}
    assert neighbours_of(cluster()) == []


def test_whoever_shares_only_the_device_stands_beside_and_is_told_why_not() -> None:
    see_hydra(*HYDRA)
    see("acc_bob", "device", "mallory's laptop")
    settled()
    assert partition() == {frozenset(HYDRA)}
    (candidate,) = neighbours_of(cluster())
    assert (candidate.account_id, candidate.kinds) == ("acc_bob", ("device",))
    assert candidate.words.startswith("Shares one device with acc_1, acc_2 and acc_3 and nothing else.")


def test_an_equal_document_joins_two_accounts_by_itself() -> None:
    see("acc_1", "government_document", "P123")
    see("acc_2", "government_document", "P123")
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2"})}


def test_sandbox_signals_never_touch_live_clusters() -> None:
    see_hydra("acc_1", "acc_2")
    see("acc_1", "device", "mallory's laptop", environment="live")
    see("acc_2", "payment_instrument", "card 4242", environment="live")
    settled()
    settled("live")
    assert partition("sandbox") == {frozenset({"acc_1", "acc_2"})}
    assert partition("live") == set()


def test_a_value_that_too_many_have_is_a_hub_and_links_nobody() -> None:
    see_hydra(*HYDRA)
    settled()
    for number in range(20):
        see(f"acc_reseller_{number}", "payment_instrument", "card 4242")
    settled()
    assert partition() == set()
    (hub,) = [one for one in seen_of("acc_1", "sandbox") if one.kind == "payment_instrument"]
    assert not hub.evidence
    assert hub.words == "23 accounts have this payment card or bank account: too common to be evidence."


def test_a_freelancer_in_two_companies_welds_nothing() -> None:
    for company in ("north", "south"):
        for person in (f"acc_{company}_1", f"acc_{company}_2", "acc_freelancer"):
            see(person, "domain", f"{company}.example")
            see(person, "device", f"{company} desk")
            see(person, "payment_instrument", f"{company} card")
    settled()
    assert not any({"acc_north_1", "acc_south_1"} <= group for group in partition())
    grades = set(Cluster.objects.filter(ended_at=None).values_list("grade", flat=True))
    assert grades == {"organisation"}


def test_a_cluster_keeps_its_id_when_it_grows_and_only_newcomers_change_place() -> None:
    see_hydra("acc_1", "acc_2")
    settled()
    before = cluster()
    moved = AccountCluster.objects.get(account_id="acc_1").changed_at
    see_hydra("acc_3")
    settled()
    assert cluster() == before
    assert AccountCluster.objects.get(account_id="acc_1").changed_at == moved
    assert Cluster.objects.get(pk=before).size == 3


def test_merged_clusters_go_on_under_the_larger_and_the_ledger_says_so() -> None:
    see_hydra("acc_1", "acc_2", "acc_3")
    for account in ("acc_8", "acc_9"):
        see(account, "phone", "+1 555")
        see(account, "device", "second laptop")
    settled()
    large, small = cluster(), cluster_of("acc_8", "sandbox")
    see("acc_8", "payment_instrument", "card 4242")
    see("acc_9", "device", "mallory's laptop")
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3", "acc_8", "acc_9"})}
    assert cluster() == large
    ended = Cluster.objects.get(pk=small)
    assert (ended.merged_into_id, ended.size) == (large, 0)
    last = Entry.objects.filter(type="cluster.changed", subject_ids__0=large).latest("pk")
    assert last.payload["joined"] == ["acc_8", "acc_9"]


def test_seeing_the_same_again_writes_no_second_row_and_moves_no_account() -> None:
    see_hydra("acc_1", "acc_2")
    settled()
    entries = Entry.objects.count()
    see_hydra("acc_1", "acc_2", at=NOON + timedelta(hours=1))
    see_hydra("acc_1", "acc_2", at=NOON + timedelta(hours=1))
    settled()
    assert Entry.objects.count() == entries
    assert set(Signal.objects.values_list("count", flat=True)) == {2}
