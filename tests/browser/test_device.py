"""A person connects a device, and a member makes the token by which an agent registers itself."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from accounts.owners.accounts import open_account
from tests import people
from tests.browser.conftest import check, enter
from tests.cast import INFER, MODEL, hire, open_service
from tests.cast import open_account as proven_account

pytestmark = pytest.mark.browser


@pytest.fixture
def codes(house: None, site: str) -> dict[str, Any]:
    """What Alice's agent was told by the device door."""
    open_service(MODEL, bound=False)
    scout = hire(proven_account("alice"), "scout")
    form = {"scope": INFER, "resource": MODEL, **scout.authenticated(aud=site)}
    answer = httpx.post(f"{site}/oauth/device_authorization", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_device_is_connected_by_its_code(page: Page, site: str, codes: dict[str, Any]) -> None:
    enter(page, site, people.person("dora@example.com"))
    page.goto(codes["verification_uri_complete"])
    expect(page.get_by_label("Code")).to_have_value(codes["user_code"])
    check(page, "device-1-code")
    page.get_by_label("Code").fill("bbbb bbbb")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert")).to_contain_text("No device waits under that code")
    check(page, "device-2-wrong-code", status_is_error=True)
    page.get_by_label("Code").fill(codes["user_code"].lower())
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="scout asks to act for you")).to_be_visible()
    expect(page.get_by_text("127.0.0.1")).to_be_visible()
    check(page, "device-3-confirm", status_is_error=True)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="The device may go on")).to_be_visible()
    check(page, "device-4-done", status_is_error=True)


def test_a_token_for_self_registration_is_made(page: Page, site: str) -> None:
    alice = people.person("alice@example.com")
    account = open_account(alice, "Alice", "person")
    enter(page, site, alice, factor=True)
    page.goto(f"{site}/a/{account.pk}/agents/")
    page.get_by_role("link", name="Let one register itself").click()
    check(page, "self-registration-1")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("iat_")).to_be_visible()
    check(page, "self-registration-2-token")
