"""A member changes the keys of their service without a gap, then ends its secret."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from accounts.owners.models import Membership
from passport.services.models import Service
from tests import people
from tests.browser.conftest import check, enter
from tests.cast import Key, open_account, open_service

pytestmark = pytest.mark.browser


def add(page: Page, key: Key) -> None:
    page.get_by_role("link", name="Add a key…").click()
    page.get_by_label("Public key (JWK)").fill(json.dumps(key.jwk))
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("button", name=f"Remove {key.thumbprint}")).to_be_visible()


def test_keys_of_a_service_are_changed_without_a_gap(page: Page, site: str) -> None:
    account, (service, _) = open_account("alice"), open_service()
    Service.objects.filter(pk=service.pk).update(account=account)
    bob = people.person("bob@example.com")
    Membership.objects.create(user=bob, account_id=account.pk, role="developer")
    enter(page, site, bob, factor=True)
    page.goto(f"{site}/a/{account.pk}/services/")
    page.get_by_role("link", name=re.compile("Keys… of")).click()
    check(page, "service-keys-01-none")
    old, new = Key(), Key()
    add(page, old)
    add(page, new)
    check(page, "service-keys-02-two")
    page.get_by_role("button", name=f"Remove {old.thumbprint}").click()
    expect(page.get_by_text("The key no longer works.")).to_be_visible()
    page.get_by_role("button", name="End the secret").click()
    expect(page.get_by_text("it signs in by key alone")).to_be_visible()
    page.get_by_role("link", name="Keys at a URL…").click()
    page.get_by_label("URL of its key set").fill("http://model.example/keys")
    page.get_by_role("button", name="Keep the address").click()
    check(page, "service-keys-03-url")
    assert Service.objects.get(pk=service.pk).jwks_uri == ""
