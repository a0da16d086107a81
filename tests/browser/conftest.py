"""A real headless Chromium against a real server, under the content policy of the settings.

``page`` comes from pytest-playwright with a listener on its console. ``site`` is the server's
origin over plain HTTP, with cookies that go over it and mail that lands on /dev/mail.
"""

import os
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from accounts.people.models import User
from accounts.people.roles import STAFF_ROLES
from tests import people

# Playwright keeps an event loop running in this thread; Django takes that for an async view.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

SHOTS = Path(__file__).parents[2] / "test-results" / "pages"
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NARROW = {"width": 320, "height": 800}
PHONE = {"width": 375, "height": 812}
DESK = {"width": 1280, "height": 800}
PAGE_BYTES = 120_000
SEEN: dict[Page, list[str]] = {}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """The system's Chromium where there is one, else Playwright's own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    chosen = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, "args": arguments, **chosen}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    return {
        **browser_context_args,
        "viewport": DESK,
        "reduced_motion": "reduce",
        "locale": "en-GB",
        "timezone_id": "UTC",
    }


@pytest.fixture
def site(live_server, settings) -> str:  # type: ignore[no-untyped-def]
    """The tests' issuer is https; a browser that comes over plain HTTP keeps no Secure cookies."""
    settings.ISSUER = live_server.url
    settings.SECURE = False
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "ap_session", "ap_csrf"
    settings.ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http"
    # Each test with a live server empties the tables, the rows of migrations too.
    for role in STAFF_ROLES:
        Group.objects.get_or_create(name=role)
    settings.MAILERS = {"default": {"BACKEND": "accounts.people.outbox.DevelopmentMailbox"}}
    return live_server.url


@pytest.fixture
def page(page: Page) -> Page:
    """Remembers what its console says; content policy violations are told there."""
    said = SEEN.setdefault(page, [])
    page.on(
        "console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_default_timeout(30_000)
    return page


def enter(page: Page, site: str, user: User, *, factor: bool = False) -> None:
    """Sign ``user`` in to this browser without the pages; with ``factor`` a second one was just shown."""
    client = people.browser(user, factor=factor)
    cookie = client.cookies["ap_session"].value
    page.context.add_cookies([{"name": "ap_session", "value": cookie, "url": site}])


def page_is_sound(page: Page, *, status_is_error: bool = False) -> None:
    """Axe finds nothing, the console is empty, one h1, one main, the skip link first, no sideways scroll.

    ``status_is_error``: the browser notes an answer of 4xx or 5xx in the console; let that pass.
    """
    found = Axe().run(page, options={"resultTypes": ["violations", "incomplete"]}).response
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert invisible_words(found["incomplete"]) == []
    said = [text for text in said_by(page) if not (status_is_error and "status of" in text)]
    assert said == []
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("main")).to_have_count(1)
    assert page.locator("a[href], button").first.get_attribute("href") == "#main"
    reflows(page)


def said_by(page: Page) -> list[str]:
    """Errors and warnings of the page's console."""
    return SEEN.get(page, [])


def invisible_words(incomplete: list[dict]) -> list[str]:  # type: ignore[type-arg]
    """Text in the colour of its ground: axe only says it is not sure."""
    return [
        node["html"]
        for rule in incomplete
        if rule["id"] == "color-contrast"
        for node in rule["nodes"]
        for check in node["any"]
        if (check.get("data") or {}).get("contrastRatio") == 1
    ]


def reflows(page: Page) -> None:
    size = page.viewport_size or DESK
    page.set_viewport_size(NARROW)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    page.set_viewport_size(size)
    assert width <= NARROW["width"], f"{page.url} is {width} px wide at 320"


def shoot(page: Page, name: str) -> None:
    """Pictures of the page in light, dark and on a phone, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.emulate_media(color_scheme="light")
    page.screenshot(path=SHOTS / f"{name}-light.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=SHOTS / f"{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.screenshot(path=SHOTS / f"{name}-375.png", full_page=True)
    page.set_viewport_size(DESK)


def check(page: Page, name: str, *, status_is_error: bool = False) -> None:
    """Sound in light and dark, and pictured."""
    page_is_sound(page, status_is_error=status_is_error)
    page.emulate_media(color_scheme="dark")
    page_is_sound(page, status_is_error=status_is_error)
    shoot(page, name)
