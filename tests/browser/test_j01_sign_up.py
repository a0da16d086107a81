"""J1: a person signs up, confirms, opens an account, turns a second factor on, invites a colleague."""

import pytest
from playwright.sync_api import Page, expect

from accounts.people.models import User
from tests import people
from tests.browser.conftest import check

pytestmark = pytest.mark.browser
EMAIL = "alice@example.com"


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sign_up(page: Page, site: str) -> None:
    page.goto(site)
    check(page, "j01-01-welcome")
    page.get_by_role("link", name="Sign up").click()
    check(page, "j01-02-sign-up")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The same password again").fill("short")
    button(page, "Sign up")
    expect(page.locator(".errors")).to_be_focused()
    check(page, "j01-03-sign-up-refused")
    page.get_by_label("Password", exact=True).fill(people.PASSWORD)
    page.get_by_label("The same password again").fill(people.PASSWORD)
    button(page, "Sign up")
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    check(page, "j01-04-look-into-your-mailbox")


def confirm(page: Page) -> None:
    page.get_by_role("link", name="Open the development mailbox").click()
    check(page, "j01-05-development-mailbox")
    page.get_by_role("link", name="confirm-email").click()
    check(page, "j01-06-confirm")
    button(page, "Confirm")


def sign_in(page: Page) -> None:
    expect(page.get_by_text("is confirmed")).to_be_visible()
    check(page, "j01-07-sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(people.PASSWORD)
    button(page, "Sign in")


def open_account(page: Page) -> None:
    expect(page.get_by_role("heading", name="Open an account")).to_be_visible()
    check(page, "j01-08-open-an-account")
    page.get_by_label("Name").fill("Acme Robotics")
    page.get_by_label("Organisation").check()
    button(page, "Open the account")
    expect(page.get_by_role("heading", name="Next steps")).to_be_visible()
    check(page, "j01-09-next-steps")


def turn_on_totp(page: Page) -> None:
    page.get_by_role("link", name="Set up… Set up a second factor").click()
    check(page, "j01-10-password-again")
    page.get_by_label("Password").fill(people.PASSWORD)
    button(page, "Confirm")
    secret = page.locator("#authenticator_secret").inner_text()
    check(page, "j01-11-authenticator-app")
    page.get_by_label("Authenticator code").fill(people.totp_now(secret))
    button(page, "Turn on")
    expect(page.locator("#recovery_codes li")).to_have_count(10)
    check(page, "j01-12-recovery-codes")


def invite(page: Page) -> None:
    page.get_by_role("link", name="I have saved them").click()
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail address").fill("bob@example.com")
    button(page, "Send the invitation")
    expect(page.get_by_text("An invitation is on its way")).to_be_visible()
    check(page, "j01-13-members")
    page.get_by_role("link", name="Change…").click()
    check(page, "j01-14-member")


def test_a_person_comes_all_the_way_from_the_front_door_to_a_colleague(page: Page, site: str) -> None:
    sign_up(page, site)
    confirm(page)
    sign_in(page)
    open_account(page)
    turn_on_totp(page)
    invite(page)
    for path, name in (("activity", "15-activity"), ("settings", "16-settings")):
        page.get_by_role("navigation", name="Account").get_by_role("link", name=path.capitalize()).click()
        check(page, f"j01-{name}")
    page.goto(f"{site}/profile/")
    check(page, "j01-17-profile")
    page.goto(f"{site}/accounts/2fa/")
    check(page, "j01-18-second-factor")
    user = User.objects.get()
    assert user.memberships.get().account.name == "Acme Robotics"


def test_the_theme_is_switched_and_kept(page: Page, site: str) -> None:
    page.goto(site)
    switch = page.get_by_role("button", name="Theme: as the system")
    switch.click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(15, 21, 28)"
    page.get_by_role("button", name="Theme: dark").click()


def test_a_page_that_is_not_there(page: Page, site: str) -> None:
    page.goto(f"{site}/nowhere")
    check(page, "failure-404", status_is_error=True)


def test_everything_but_passkeys_works_without_scripts(browser, site: str) -> None:  # type: ignore[no-untyped-def]
    people.person(EMAIL)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(people.PASSWORD)
    button(page, "Sign in")
    page.get_by_label("Name").fill("Acme")
    button(page, "Open the account")
    assert page.get_by_role("heading", name="Next steps").is_visible()
    context.close()
