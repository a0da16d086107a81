"""J24: the main pages without a mouse, on paper, in forced colours, and within their weight."""

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, Response, expect

from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from accounts.people.models import User
from accounts.people.roles import roles_of
from foundation import clock
from foundation.ledger.append import append
from foundation.ledger.sequence import sequence
from passport.agents.models import Agent
from passport.restrictions.switches import Name, is_on
from passport.signing import keys
from tests import people
from tests.browser.conftest import DESK, PAGE_BYTES, enter, said_by

pytestmark = pytest.mark.browser
MOST_TABS = 60
CONSOLE = (
    "queue",
    "accounts",
    "batches",
    "approvals",
    "attestations",
    "switches",
    "audit",
    "keys",
    "roles",
    "health",
)
PORTAL = (
    "start",
    "agents",
    "agents/new/about",
    "verification",
    "services",
    "usage",
    "members",
    "activity",
    "notices",
    "settings",
)
SIGNED_OUT = ("/", "/accounts/login/", "/accounts/signup/", "/docs/errors", "/nothing-here")


@pytest.fixture
def sam(site: str) -> User:
    user = people.person("sam@example.com", is_staff=True, name="Sam")
    user.groups.set(Group.objects.all())
    return user


@pytest.fixture
def account(sam: User) -> Account:
    account = open_account(sam, "Acme Robotics", Account.Kind.ORGANISATION)
    Agent.objects.create(
        account=account, name="Scout", environment="sandbox", client_type="confidential",
        authorization_grant_type="client-credentials",
    )  # fmt: skip
    return account


def main_pages(account: Account) -> list[str]:
    return [f"/admin/{name}/" for name in CONSOLE] + [f"/a/{account.pk}/{name}/" for name in PORTAL]


def weight_of(page: Page, url: str) -> int:
    """Bytes of a page with all it loads, unzipped."""
    seen: list[Response] = []
    page.on("response", listener := lambda response: seen.append(response))
    page.goto(url, wait_until="networkidle")
    page.remove_listener("response", listener)
    return sum(len(one.body()) for one in seen if one.status not in {301, 302, 304})


def test_no_main_page_weighs_more_than_it_may(page: Page, site: str, sam: User, account: Account) -> None:
    keys.ensure_keys()
    for n in range(60):
        append("agent.registered", actor=f"user:{sam.pk}", subject_ids=[f"agent_{n:026}", account.pk])
    sequence()
    page.route("**/*", lambda route: route.continue_())  # with a route nothing comes from the cache
    heavy = {url: weight for url in SIGNED_OUT if (weight := weight_of(page, site + url)) > PAGE_BYTES}
    enter(page, site, sam, factor=True)
    for url in main_pages(account):
        if (weight := weight_of(page, site + url)) > PAGE_BYTES:
            heavy[url] = weight
    assert heavy == {}


def tab_to(page: Page, name: str) -> None:
    """Press the tab key until what is called ``name`` has the focus; its outline can be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        said = focused.evaluate(
            "(e) => e.getAttribute('aria-label') || (e.labels && e.labels[0]?.innerText) || e.innerText || ''"
        )
        if said.strip().startswith(name):
            assert focused.evaluate("(e) => getComputedStyle(e).outlineStyle") != "none", name
            return
    raise AssertionError(f"no tab stop is called {name}")


def test_signing_in_takes_no_mouse(page: Page, site: str, sam: User) -> None:
    page.goto(f"{site}/accounts/login/")
    page.keyboard.press("Tab")
    if page.locator(":focus").inner_text() == "Skip to the content":
        page.keyboard.press("Enter")
    page.get_by_label("E-mail address").focus()
    page.keyboard.type("sam@example.com")
    tab_to(page, "Password")
    page.keyboard.type(people.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail address")).to_have_count(0, timeout=30_000)


def test_a_switch_is_turned_without_a_mouse(page: Page, site: str, sam: User) -> None:
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/admin/switches/")
    tab_to(page, "Turn on…")
    page.keyboard.press("Enter")
    tab_to(page, "Reason")
    page.keyboard.type("A drill.")
    tab_to(page, "For how long")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Turn on")
    page.keyboard.press("Enter")
    expect(page.get_by_text("A drill.")).to_be_visible()
    assert is_on(Name.SIGN_UPS, clock.now())


def test_a_role_is_given_without_a_mouse(page: Page, site: str, sam: User) -> None:
    carol = people.person("carol@example.com")
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/admin/roles/")
    tab_to(page, "E-mail address of somebody")
    page.keyboard.type("carol@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="carol@example.com")).to_be_visible()
    tab_to(page, "Give the role of auditor")
    page.keyboard.press("Enter")
    tab_to(page, "Why?")
    page.keyboard.type("The yearly audit.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("carol@example.com is auditor now.")).to_be_visible()
    assert roles_of([carol.pk])[carol.pk] == {"auditor"}


def test_an_agent_is_described_and_a_menu_closed_without_a_mouse(
    page: Page, site: str, sam: User, account: Account
) -> None:
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/a/{account.pk}/agents/new/about/")
    tab_to(page, "Your profile")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    tab_to(page, "Name")
    page.keyboard.type("Courier")
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("heading", name="How does it get its key?").or_(page.locator("h2").first)
    ).to_be_visible()
    assert "/new/key/" in page.url


def words_of_main(page: Page) -> str:
    return page.locator("main").inner_text()


def test_forced_colours_lose_no_word_and_no_edge(page: Page, site: str, sam: User, account: Account) -> None:
    enter(page, site, sam, factor=True)
    for url in (
        f"/a/{account.pk}/agents/",
        "/admin/switches/",
        "/admin/roles/",
        f"/a/{account.pk}/verification/",
    ):
        page.emulate_media(forced_colors="none")
        page.goto(site + url)
        plain = words_of_main(page)
        page.emulate_media(forced_colors="active")
        assert words_of_main(page) == plain, url
        for tag in page.locator(".status, .button").all():
            width, style = tag.evaluate(
                "(e) => [getComputedStyle(e).borderTopWidth, getComputedStyle(e).borderTopStyle]"
            )
            assert (float(width.removesuffix("px")) >= 1, style) == (True, "solid"), url
        current = page.locator("nav [aria-current]").first
        assert current.evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid", url
    page.emulate_media(forced_colors="none")


def test_paper_has_the_content_and_not_the_navigation(page: Page, site: str, sam: User) -> None:
    append("flag.raised", actor=f"user:{sam.pk}", subject_ids=["acc_1"], payload={"source": "person"})
    sequence()
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/admin/audit/")
    expect(page.get_by_text("SHA-256").first).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Console")).to_be_hidden()
    expect(page.get_by_role("button", name="Filter")).to_be_hidden()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
    expect(page.get_by_text("SHA-256").first).to_be_visible()
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == dark, "ink is dear"
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size(DESK)
    assert said_by(page) == []
