"""The linkage key may change at any time: no account loses a link by it."""

from typing import Any

import pytest

from accounts.linkage.memory import remember, remembered
from accounts.linkage.models import Signal
from tests.accounts.linkage.conftest import NOON, partition, see, see_hydra, settled

pytestmark = pytest.mark.django_db
OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}


def test_a_newcomer_after_rotation_is_linked_with_those_seen_before(settings: Any) -> None:
    settings.KEY_RING = OLD
    see_hydra("acc_1", "acc_2")
    settled()
    settings.KEY_RING = NEW | OLD
    see_hydra("acc_3")
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3"})}
    assert set(Signal.objects.values_list("key_id", flat=True)) == {"new"}


def test_two_rows_of_one_value_become_one(settings: Any) -> None:
    settings.KEY_RING = OLD
    see("acc_1", "device", "d")
    settings.KEY_RING = NEW
    see("acc_1", "device", "d")
    settings.KEY_RING = NEW | OLD
    see("acc_1", "device", "d")
    assert Signal.objects.filter(account_id="acc_1").count() == 1


def test_what_was_remembered_of_the_banned_moves_too(settings: Any) -> None:
    settings.KEY_RING = OLD
    see_hydra("acc_1", "acc_2")
    remember(
        ["acc_1"],
        environment="sandbox",
        reason="fraud",
        ends_at=NOON.replace(year=2027),
        batch_id="b",
        now=NOON,
    )
    settings.KEY_RING = NEW | OLD
    see_hydra("acc_9")
    assert sorted(remembered("acc_9", "sandbox", now=NOON)["fraud"]) == ["device", "payment_instrument"]
