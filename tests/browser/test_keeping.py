"""The worst day's switches, the signing keys, and who has which role: what approvers and operators turn."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from accounts.people.models import User
from accounts.people.roles import roles_of
from foundation import clock
from foundation.ledger.models import Entry
from passport.restrictions.switches import Name, is_on
from passport.signing import keys
from passport.signing.models import SigningKey
from tests import people
from tests.browser.conftest import check, enter

pytestmark = pytest.mark.browser


@pytest.fixture
def operator(page: Page, site: str) -> User:
    user = people.person("olga@example.com", is_staff=True, name="Olga Operator")
    user.groups.add(Group.objects.get(name="operator"))
    enter(page, site, user, factor=True)
    return user


def card(page: Page, name: str):
    return page.locator("li.card").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_an_operator_pauses_sign_ups_and_lets_them_in_again(page: Page, site: str, operator: User) -> None:
    page.goto(f"{site}/admin/switches/")
    card(page, "Pause sign-ups").get_by_text("Turn on…").click()
    card(page, "Pause sign-ups").get_by_label("Reason").fill("A flood of throw-away addresses.")
    card(page, "Pause sign-ups").get_by_label("For how long").select_option("1")
    check(page, "keep-01-switch-open")
    card(page, "Pause sign-ups").get_by_role("button", name="Turn on", exact=True).click()
    expect(card(page, "Pause sign-ups")).to_contain_text("A flood of throw-away addresses.")
    expect(card(page, "Pause sign-ups")).to_contain_text("Ends by itself:")
    check(page, "keep-02-switch-on")
    assert is_on(Name.SIGN_UPS, clock.now())
    stranger = page.context.browser.new_context().new_page()
    stranger.goto(f"{site}/accounts/signup/")
    expect(stranger.get_by_label("E-mail address")).to_have_count(0)
    stranger.context.close()
    card(page, "Pause sign-ups").get_by_text("Turn off…").click()
    card(page, "Pause sign-ups").get_by_label("Reason").fill("It is over.")
    card(page, "Pause sign-ups").get_by_role("button", name="Turn off", exact=True).click()
    expect(card(page, "Pause sign-ups")).to_contain_text("It is over.")
    assert not is_on(Name.SIGN_UPS, clock.now())
    assert Entry.objects.filter(type="switch.changed", actor=f"user:{operator.pk}").count() == 2


def test_a_key_that_services_do_not_know_yet_is_not_turned_to(page: Page, site: str, operator: User) -> None:
    keys.ensure_keys()
    page.goto(f"{site}/admin/keys/")
    check(page, "keep-03-keys")
    page.get_by_role("button", name="Rotate token key").click()
    expect(page.get_by_text("was not published for a day yet")).to_be_visible()
    assert SigningKey.objects.filter(use="tokens", state="active").count() == 1


def test_an_operator_rotates_the_signing_key(page: Page, site: str, operator: User) -> None:
    keys.ensure_keys()
    SigningKey.objects.update(created_at=clock.now() - timedelta(days=2))
    old = SigningKey.objects.get(use="tokens", state="active").kid
    page.goto(f"{site}/admin/keys/")
    page.get_by_role("button", name="Rotate token key").click()
    expect(page.get_by_text("signs from now on.")).to_be_visible()
    expect(page.get_by_text("Retiring")).to_be_visible()
    check(page, "keep-04-rotated")
    assert SigningKey.objects.get(pk=old).state == "retiring"
    assert {key["kid"] for key in keys.jwks()["keys"]} >= {old}


def test_an_operator_gives_a_role_and_takes_it_away(page: Page, site: str, operator: User) -> None:
    carol = people.person("carol@example.com", name="Carol Stranger")
    page.goto(f"{site}/admin/roles/")
    check(page, "keep-05-roles")
    page.get_by_label("E-mail address of somebody who signed up").fill("carol@example.com")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", name="carol@example.com")).to_be_visible()
    page.get_by_label("Give the role of approver").click()
    page.get_by_label("Why?").locator("visible=true").fill("Covers the nights.")
    check(page, "keep-06-give")
    page.get_by_role("button", name="Give approver").click()
    expect(page.get_by_text("carol@example.com is approver now.")).to_be_visible()
    expect(page.get_by_text("Approvals count from:")).to_be_visible()
    check(page, "keep-07-given")
    assert roles_of([carol.pk])[carol.pk] == {"approver"}
    page.get_by_label("Take the role of approver").click()
    page.get_by_label("Why?").locator("visible=true").fill("Back to days.")
    page.get_by_role("button", name="Take approver").click()
    expect(page.get_by_text("carol@example.com is no approver now.")).to_be_visible()
    assert roles_of([carol.pk]) == {}
    assert not User.objects.get(pk=carol.pk).is_staff


def test_on_ones_own_page_there_is_nothing_to_press(page: Page, site: str, operator: User) -> None:
    page.goto(f"{site}/admin/roles/{operator.pk}/")
    expect(page.get_by_text("Nobody changes their own roles")).to_be_visible()
    expect(page.get_by_text("Give…")).to_have_count(0)
    expect(page.get_by_text("Take…")).to_have_count(0)
    check(page, "keep-08-own-roles")
