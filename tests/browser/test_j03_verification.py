"""J3: identity and payment proven in a browser: passed, failed, in review, taken back, and late."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.owners.models import Account, Membership
from tests.attestation.conftest import let_time_pass, work
from tests.browser.conftest import check, enter
from tests.people import person

pytestmark = pytest.mark.browser


@pytest.fixture
def verification(page: Page, site: str, settings) -> str:
    """Alice, signed in, at the verification page of her account."""
    settings.SANDBOX_PROVIDER = True
    settings.BROKER_URL = ""  # the test runs the jobs itself
    alice = person("alice@example.com")
    account = Account.objects.create(name="Alice Ltd")
    Membership.objects.create(account=account, user=alice, role="owner")
    enter(page, site, alice)
    address = f"{site}/a/{account.pk}/verification/"
    page.goto(address)
    return address


def show_document(page: Page, value: str, delivery: str = "") -> None:
    page.get_by_role("button", name=re.compile("Verify a document|Go on with the document")).click()
    page.get_by_label("Test document").fill(value)
    page.get_by_label("How the webhooks arrive").select_option(delivery)
    page.get_by_role("button", name="Show it").click()


def use_card(page: Page, button: str, number: str, act: str) -> None:
    page.get_by_role("button", name=button).click()
    page.get_by_label("Test card number").fill(number)
    page.get_by_label("Expires").fill("12/39")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name=act).click()


def heads(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=words)).to_be_visible()


def test_identity_and_payment_pass_and_the_page_follows_by_itself(verification: str, page: Page) -> None:
    check(page, "j03-1-nothing-proven")
    page.get_by_role("button", name="Verify a document").click()
    heads(page, "Show a test document")
    check(page, "j03-2-sandbox-identity")
    page.go_back()
    show_document(page, "OK-1")
    expect(page.get_by_text("Begun, not finished.")).to_be_visible()
    check(page, "j03-3-waiting")
    work()
    heads(page, "Identity: document")
    page.get_by_role("button", name="Save a card").click()
    check(page, "j03-4-sandbox-card")
    page.go_back()
    use_card(page, "Go on saving a card", "4242 4242 4242 4242", "Save the card")
    work()
    heads(page, "Payment: instrument")
    use_card(page, "Charge a card once", "4242424242424242", "Pay 1.37")
    work()
    heads(page, "Payment: charged")
    check(page, "j03-5-all-proven")


def test_a_failure_says_why_and_can_be_mended(verification: str, page: Page) -> None:
    show_document(page, "nonsense")
    expect(page.get_by_text("Type one of the values of the table")).to_be_visible()
    check(page, "j03-6-sandbox-error", status_is_error=True)
    page.get_by_label("Test document").fill("SELFIE")
    page.get_by_role("button", name="Show it").click()
    work()
    expect(page.get_by_text("The photograph of the face did not match the document.")).to_be_visible()
    expect(page.get_by_text("4 tries left.")).to_be_visible()
    check(page, "j03-7-failed", status_is_error=True)
    show_document(page, "OK-1")
    work()
    heads(page, "Identity: document")


def test_a_review_and_a_reversal_are_shown_as_what_they_are(verification: str, page: Page) -> None:
    show_document(page, "REVIEW-4")
    work()
    expect(page.get_by_text("A person is looking at it.")).to_be_visible()
    check(page, "j03-8-review")
    let_time_pass()
    heads(page, "Identity: document")
    use_card(page, "Charge a card once", "4000000000000259", "Pay 1.37")
    work()
    heads(page, "Payment: charged")
    let_time_pass()
    page.reload()
    expect(page.get_by_text("The card holder disputes the charge as fraud.")).to_be_visible()
    check(page, "j03-9-reversed")


def test_a_webhook_that_never_comes_is_made_good_by_asking(verification: str, page: Page) -> None:
    show_document(page, "OK-1", "drop")
    work()
    expect(page.get_by_text("Begun, not finished.")).to_be_visible()
    page.get_by_role("button", name="Ask the provider now").first.click()
    work()
    heads(page, "Identity: document")


def test_live_without_a_provider_says_so(verification: str, page: Page) -> None:
    page.get_by_role("link", name="Live agents").click()
    expect(page.get_by_text("No provider for live agents is set up on this server.")).to_be_visible()
    expect(page.get_by_role("button", name="Verify a document")).to_have_count(0)
    check(page, "j03-10-live")
