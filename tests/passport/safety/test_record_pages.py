"""Record pages: words people read, moments in UTC, and no count of a whole table."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.owners.models import Account
from foundation.ledger.append import append
from foundation.ledger.models import Entry
from passport.safety import read_only
from passport.safety.read_only import BoundedPaginator
from tests import people

pytestmark = pytest.mark.django_db
LISTS = [model._meta.label_lower.replace(".", "_") for model in admin.site._registry]


@pytest.fixture
def browser() -> Client:
    return people.browser(people.person("sam@example.com", is_staff=True, is_superuser=True), factor=True)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_with_and_without_a_search(browser: Client, name: str) -> None:
    for question in ({}, {"q": "nothing"}, {"q": "\x00"}, {"p": "999"}):
        assert browser.get(reverse(f"admin:{name}_changelist"), question).status_code in {200, 302}


def test_names_are_english_and_moments_are_exact(browser: Client) -> None:
    append("flag.raised", actor="system:test")
    page = browser.get("/admin/records/foundation/entry/").content.decode()
    assert "Ledger entries" in page
    assert "Entrys" not in page
    assert " UTC" in page


def test_a_count_reads_no_further_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_only, "COUNTED", 3)
    for n in range(6):
        append("flag.raised", actor=f"system:{n}")
    assert BoundedPaginator(Entry.objects.order_by("pk"), 50).count == 4


def test_a_record_page_names_what_it_shows(browser: Client) -> None:
    account = Account.objects.create(name="Alice & Sons")
    page = browser.get(reverse("admin:accounts_account_change", args=[account.pk])).content.decode()
    assert "Alice &amp; Sons" in page
    assert "historylink" not in page
