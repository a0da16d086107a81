"""J11: a developer has their own server told what happens, and sees what went out to it and to services."""

import pytest
from playwright.sync_api import Page, expect

from accounts.owners.accounts import open_account
from foundation import clock
from passport.events.ssf.kinds import SESSION_REVOKED
from passport.events.ssf.models import EventStream, StreamEvent
from passport.services.models import Service
from tests import people
from tests.browser.conftest import check, enter
from tests.cast import open_service

pytestmark = pytest.mark.browser
HOST = "localhost:4444"


def stream_with_a_dead_letter(account_id: str) -> EventStream:
    service, _ = open_service()
    Service.objects.filter(pk=service.pk).update(account_id=account_id)
    stream = EventStream.objects.create(
        service=service, method=EventStream.Method.PUSH, endpoint_url="https://events.example/in"
    )
    for state, error in (("dead", "refused: invalid_key"), ("delivered", ""), ("waiting", "answered 500")):
        StreamEvent.objects.create(
            stream=stream, type=SESSION_REVOKED, claims={}, order_key="acc_1", state=state, error=error,
            attempts=3, ended_at=None if state == "waiting" else clock.now(),
        )  # fmt: skip
    return stream


def test_a_webhook_is_added_tested_and_a_dead_letter_sent_again(page: Page, site: str, settings) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = [HOST]
    alice = people.person("alice@example.com", name="Alice")
    account = open_account(alice, "Alice's agents", "person")
    enter(page, site, alice, factor=True)
    page.goto(f"{site}/a/{account.pk}/streams/")
    check(page, "webhooks-empty")
    page.goto(f"{site}/a/{account.pk}/streams/new/")
    check(page, "webhook-new")
    page.get_by_label("Address").fill(f"https://{HOST}/hook")
    page.locator("main form button").last.click()
    expect(page.locator("main")).to_contain_text("whsec_")
    check(page, "webhook-secret")
    stream = stream_with_a_dead_letter(account.pk)
    page.goto(f"{site}/a/{account.pk}/streams/")
    check(page, "webhooks")
    page.get_by_role("link", name=HOST).first.click()
    page.get_by_role("button", name="test").first.click()
    expect(page.locator("main")).to_contain_text("endpoint.test")
    check(page, "webhook")
    page.goto(f"{site}/a/{account.pk}/streams/events/{stream.pk}/")
    check(page, "stream")
    page.get_by_role("button", name="Redeliver").first.click()
    expect(page.locator("main")).to_contain_text("waits to be sent again")
    assert not StreamEvent.objects.filter(state="dead").exists()
