from datetime import timedelta

import pytest

from accounts.linkage.memory import forget, remember, remembered
from accounts.owners.models import Account
from tests.accounts.linkage.conftest import NOON, see, see_hydra

pytestmark = pytest.mark.django_db


def remember_hydra(batch_id: str, reason: str = "fraud") -> int:
    return remember(
        ["acc_1", "acc_2"],
        environment="sandbox",
        reason=reason,
        ends_at=NOON + timedelta(days=365),
        batch_id=batch_id,
        now=NOON,
    )


def test_memory_outlives_the_account() -> None:
    see_hydra("acc_1", "acc_2")
    remember_hydra("batch_1")
    Account.objects.filter(pk__in=["acc_1", "acc_2"]).delete()
    see("acc_9", "device", "mallory's laptop")
    assert remembered("acc_9", "sandbox", now=NOON) == {"fraud": ["device"]}


def test_undoing_one_batch_leaves_what_another_remembers() -> None:
    see_hydra("acc_1", "acc_2")
    assert remember_hydra("batch_1") == 2
    remember_hydra("batch_1")
    remember_hydra("batch_2", reason="abuse")
    assert forget("batch_1") == 2
    assert set(remembered("acc_1", "sandbox", now=NOON)) == {"abuse"}


def test_a_memory_ends() -> None:
    see_hydra("acc_1", "acc_2")
    remember_hydra("batch_1")
    assert remembered("acc_1", "sandbox", now=NOON + timedelta(days=366)) == {}


def test_an_address_range_is_never_remembered() -> None:
    see("acc_1", "ip_prefix", "203.0.113.0/24")
    assert remember_hydra("batch_1") == 0
