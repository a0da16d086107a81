"""Analysts say on the cluster's page that two accounts belong together, or do not."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.linkage.clusters import cluster_of
from accounts.linkage.models import Pin
from foundation.ledger.models import Entry
from tests import people
from tests.accounts.linkage.conftest import partition, see_hydra, settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> Client:
    user = people.person("analyst@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="analyst")[0])
    return people.browser(user, factor=True)


@pytest.fixture
def page() -> str:
    see_hydra("acc_1", "acc_2", "acc_3")
    settled()
    return f"/admin/clusters/{cluster_of('acc_1', 'sandbox')}/"


def said(**changes: str) -> dict[str, str]:
    return {
        "account": "acc_3", "other": "acc_1", "together": "0", "days": "30", "reason": "a sister", **changes,
    }  # fmt: skip


def test_who_is_pinned_apart_leaves_and_comes_back_when_it_is_taken_back(analyst: Client, page: str) -> None:
    assert analyst.post(f"{page}pin/", said()).status_code == 302
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2"})}
    assert "a sister" in analyst.get(page).text
    analyst.post(f"{page}unpin/", {"pin": str(Pin.objects.get().pk)})
    settled()
    assert partition() == {frozenset({"acc_1", "acc_2", "acc_3"})}
    assert set(Entry.objects.filter(type__startswith="pin.").values_list("type", flat=True)) == {
        "pin.placed",
        "pin.lifted",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": ""}, "This field is required."),
        ({"other": "acc_9"}, "This account is not in the cluster."),
        ({"account": "acc_9"}, "There is no account with this id."),
        ({"account": "acc_1"}, "Two different accounts, please."),
        ({"days": "9999"}, "Select a valid choice."),
    ],
)
def test_a_pin_that_says_too_little_is_refused_in_words(
    analyst: Client, page: str, changes: dict[str, str], words: str
) -> None:
    answer = analyst.post(f"{page}pin/", said(**changes))
    assert answer.status_code == 200
    assert words in answer.text
    assert not Pin.objects.exists()


def test_a_pin_of_another_cluster_is_not_lifted_here(analyst: Client, page: str) -> None:
    analyst.post(f"{page}unpin/", {"pin": "12345"})
    assert "That pin has ended." in analyst.get(page).text
