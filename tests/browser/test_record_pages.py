"""The admin's own pages, in our palette."""

import pytest
from playwright.sync_api import Page

from tests import people
from tests.browser.conftest import enter, reflows, said_by, shoot

pytestmark = pytest.mark.browser


def test_record_pages_wear_our_colours_under_our_policy(page: Page, site: str) -> None:
    sam = people.person("sam@example.com", is_staff=True, is_superuser=True)
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/admin/")
    shoot(page, "console-index")
    assert said_by(page) == []
    reflows(page)
