"""What people see when a request fails: a heading, what to do, a way on; as sound as every page."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import check

pytestmark = pytest.mark.browser
PAGES = {
    400: "This request cannot be read",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address takes a form",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "Sign-ups are paused",
}


@pytest.mark.parametrize("status", sorted(PAGES))
def test_a_failure_says_what_happened_and_leads_on(page: Page, site: str, settings, status: int) -> None:
    settings.ROOT_URLCONF = "tests.browser.failing"
    path = {404: "/nothing-here", 405: "/access/v1/evaluation"}.get(status, f"/fail/{status}")
    answer = page.goto(site + path)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_role("heading", name=PAGES[status])).to_be_visible()
    check(page, f"fail-{status}", status_is_error=True)
    page.get_by_role("button", name="Go to the start").click()
    expect(page.get_by_role("heading", name="Identity for AI agents")).to_be_visible()
