"""The console resolves a trace tag, on the record."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from foundation.ledger.models import Entry
from tests import people
from tests.cast import Actor, TokenEndpoint, claims_of, granted

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Client:
    user = people.person("ann@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="analyst")[0])
    return people.browser(user, factor=True)


def test_a_tag_found_in_the_wild_leads_to_agent_and_account_and_the_look_is_recorded(
    endpoint: TokenEndpoint, scout: Actor, scouts_passport: str, ann: Client
) -> None:
    tag = claims_of(granted(endpoint.exchange(scouts_passport, key=scout.key)))["trace"]
    page = ann.post("/admin/traces/", {"tag": tag, "reason": "found in a leak"})
    assert scout.id in page.content.decode()
    assert f"/admin/accounts/{scout.account.pk}/" in page.content.decode()
    entry = Entry.objects.get(type="trace.resolved")
    assert set(entry.subject_ids) == {scout.id, scout.account.pk}
    assert tag not in str(entry.payload)


def test_what_is_no_tag_of_ours_says_so_and_is_recorded_too(house: None, ann: Client) -> None:
    page = ann.post("/admin/traces/", {"tag": "A" * 22, "reason": "found in a leak"})
    assert "Not a tag of ours." in page.content.decode()
    assert Entry.objects.get(type="trace.resolved").reason == "unknown"


def test_without_a_reason_nothing_is_resolved(house: None, ann: Client) -> None:
    ann.post("/admin/traces/", {"tag": "A" * 22})
    assert not Entry.objects.filter(type="trace.resolved").exists()
