"""What a rebuild or a person added stays when a neighbourhood is settled; pins stand above evidence."""

from datetime import timedelta
from itertools import pairwise

import pytest

from accounts.linkage.clusters import cluster_of, members_of
from accounts.linkage.models import AccountCluster, Cluster
from accounts.linkage.pins import end_pins, pin, unpin
from accounts.linkage.rebuild import rebuild
from foundation.ledger.models import Entry
from tests.accounts.linkage.conftest import NOON, partition, see, see_hydra, settled

pytestmark = pytest.mark.django_db
CHAIN = [f"acc_{number:02d}" for number in range(12)]
NEXT_WEEK = NOON + timedelta(days=7)


def rebuilt() -> str:
    """Mallory's chain: each account shares one card with the next."""
    for number, pair in enumerate(pairwise(CHAIN)):
        for account in pair:
            see(account, "payment_instrument", f"card {number}")
    rebuild("sandbox", now=NOON)
    found = cluster_of(CHAIN[0], "sandbox")
    assert found is not None
    return found


def say(account: str, other: str, *, together: bool) -> int:
    return pin(
        account,
        other,
        "sandbox",
        together=together,
        reason="seen by a person",
        ends_at=NEXT_WEEK,
        actor="user:usr_1",
        now=NOON,
    ).pk


def test_the_suspected_stay_together_when_one_of_them_is_settled() -> None:
    cluster = rebuilt()
    see(CHAIN[3], "device", "new")
    settled()
    assert members_of(cluster) == CHAIN
    assert Cluster.objects.get(pk=cluster).grade == "suspected"


def test_two_of_the_suspected_who_share_more_do_not_break_away() -> None:
    cluster = rebuilt()
    see(CHAIN[3], "device", "new")
    see(CHAIN[4], "device", "new")
    settled()
    assert members_of(cluster) == CHAIN


def test_a_newcomer_in_a_block_with_one_of_them_joins_all() -> None:
    cluster = rebuilt()
    for kind, value in (("device", "d"), ("phone", "p")):
        see(CHAIN[3], kind, value)
        see("acc_new", kind, value)
    settled()
    assert members_of(cluster) == [*CHAIN, "acc_new"]


def test_a_second_rebuild_of_the_same_changes_nothing() -> None:
    rebuilt()
    entries = Entry.objects.filter(type="cluster.changed").count()
    places = list(AccountCluster.objects.order_by("pk").values())
    assert rebuild("sandbox", now=NEXT_WEEK).accounts_that_differ == 0
    assert list(AccountCluster.objects.order_by("pk").values()) == places
    assert Entry.objects.filter(type="cluster.changed").count() == entries


@pytest.mark.parametrize("whole", [False, True])
def test_whom_a_person_keeps_apart_is_not_linked_whatever_is_shared(whole: bool) -> None:
    see_hydra("acc_1", "acc_2", "acc_3")
    settled()
    say("acc_3", "acc_1", together=False)
    settled()
    if whole:
        rebuild("sandbox", now=NOON)
    assert partition() == {frozenset({"acc_1", "acc_2"})}


@pytest.mark.parametrize("whole", [False, True])
def test_whom_a_person_puts_together_is_together_with_nothing_shared(whole: bool) -> None:
    see_hydra("acc_1", "acc_2")
    see("acc_9", "device", "another")
    settled()
    say("acc_9", "acc_1", together=True)
    settled()
    if whole:
        rebuild("sandbox", now=NOON)
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_9"})}
    assert AccountCluster.objects.get(account_id="acc_9").basis == "pinned"


def test_a_pin_ends_in_time_and_by_hand() -> None:
    see_hydra("acc_1", "acc_2", "acc_3")
    say("acc_3", "acc_1", together=False)
    settled()
    assert end_pins(NEXT_WEEK) == 1
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3"})}
    see("acc_9", "phone", "p")
    number = say("acc_9", "acc_1", together=True)
    settled()
    assert unpin(number, actor="user:usr_1", now=NOON)
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3"})}
    assert not unpin(number, actor="user:usr_1", now=NOON)


def test_a_pin_without_a_reason_or_an_end_is_refused() -> None:
    for account in ("acc_1", "acc_2"):
        see(account, "phone", account)
    for reason, ends_at in (("", NEXT_WEEK), ("because", NOON)):
        with pytest.raises(ValueError, match="a pin has a reason"):
            pin(
                "acc_1",
                "acc_2",
                "sandbox",
                together=True,
                reason=reason,
                ends_at=ends_at,
                actor="user:u",
                now=NOON,
            )
