"""What no example can show: order, repetition and the way of counting change nothing."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.linkage.columns import Sighting, Value, gather
from accounts.linkage.expiry import purge
from accounts.linkage.graph import find_blocks
from accounts.linkage.groups import as_groups
from accounts.linkage.models import Signal
from accounts.linkage.rebuild import Wanted, rebuild
from tests.accounts.linkage.conftest import NOON, partition, see, settled

KINDS = ["device", "payment_instrument", "phone", "government_document", "domain", "ip_prefix"]
signals = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(KINDS), st.sampled_from("1234")),
    max_size=40,
)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def online(seen: list[tuple[str, str, str]], *, each: bool) -> set[frozenset[str]]:
    for account, kind, value in seen:
        see(f"acc_{account}", kind, value)
        if each:
            settled()
    settled()
    return partition()


def start_afresh() -> None:
    transaction.set_rollback(True)


@pytest.mark.django_db
@few
@given(signals, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_clusters(seen: list, random: object) -> None:
    other = [*seen, *seen[:5]]
    random.shuffle(other)  # type: ignore[attr-defined]
    with transaction.atomic():
        first = online(seen, each=True)
        start_afresh()
    with transaction.atomic():
        second = online(other, each=False)
        start_afresh()
    assert first == second


@pytest.mark.django_db
@few
@given(signals)
def test_what_is_found_online_is_what_a_rebuild_finds(seen: list) -> None:
    with transaction.atomic():
        online(seen, each=True)
        assert rebuild("sandbox", wanted=Wanted(apply=False), now=NOON).accounts_that_differ == 0
        before = partition()
        rebuild("sandbox", now=NOON)
        assert partition() == before
        start_afresh()


@pytest.mark.django_db
@few
@given(signals, signals)
def test_what_expired_leaves_what_would_be_there_without_it(old: list, new: list) -> None:
    with transaction.atomic():
        online(old, each=False)
        for account, kind, value in new:
            see(f"acc_{account}", kind, value, at=NOON + timedelta(days=100))
        settled()
        purge(NOON + timedelta(days=181))
        settled()
        after = partition()
        start_afresh()
    with transaction.atomic():
        assert after == online(new, each=False)
        start_afresh()


@given(signals)
def test_members_of_a_group_share_something_with_another_member(seen: list) -> None:
    rows = {Sighting(account, Value(kind, value.encode() * 32), 0, 0) for account, kind, value in seen}
    evidence = gather(rows)
    for group in as_groups(evidence, find_blocks(evidence)):
        assert {tie.account for tie in group.ties} == group.accounts


@pytest.mark.django_db
def test_a_signal_that_ends_splits_what_it_alone_held_together() -> None:
    late = NOON + timedelta(days=100)
    for account in ("acc_1", "acc_2"):
        see(account, "device", "d")
        see(account, "payment_instrument", "c", at=late)
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2"})}
    assert purge(NOON + timedelta(days=181)) == 2
    settled()
    assert partition() == set()
    assert set(Signal.objects.values_list("kind", flat=True)) == {"payment_instrument"}


@pytest.mark.django_db
def test_a_hub_that_loses_a_holder_is_evidence_again() -> None:
    for number in range(7):
        see(f"acc_{number}", "phone", "+1", at=NOON if number == 6 else NOON + timedelta(days=100))
        see(f"acc_{number}", "device", "d", at=NOON + timedelta(days=100))
    settled()
    assert partition() == set()
    purge(NOON + timedelta(days=181))
    settled()
    assert partition() == {frozenset(f"acc_{number}" for number in range(6))}
