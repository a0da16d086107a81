"""J2: a passkey is added, signs in without a password, and is asked for before what is hard to take back."""

import pytest
from playwright.sync_api import Page, expect

from tests import people
from tests.browser.conftest import check, enter

pytestmark = pytest.mark.browser


def plug_in_authenticator(page: Page) -> None:
    """A security key of Chromium's own that always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_and_signs_in(page: Page, site: str) -> None:
    alice = people.person("alice@example.com")
    enter(page, site, alice, factor=True)
    plug_in_authenticator(page)
    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    check(page, "j02-1-add-a-passkey")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Sign in with it alone").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    check(page, "j02-2-passkeys")
    page.context.clear_cookies()
    page.goto(f"{site}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Open an account")).to_be_visible()
    page.goto(f"{site}/accounts/2fa/webauthn/reauthenticate/?next=/profile/")
    check(page, "j02-3-passkey-again")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
