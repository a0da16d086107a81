"""Staff change a limit with a look at yesterday, choose a batch by a list, pin accounts, look up a tag."""

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from accounts.linkage.clusters import cluster_of
from passport.limits.models import LimitChange, LimitPolicy
from tests import people
from tests.accounts.linkage.conftest import see_hydra, settled
from tests.browser.conftest import check, enter
from tests.cast import open_service

pytestmark = pytest.mark.browser


@pytest.fixture
def analyst(page: Page, site: str) -> None:
    sam = people.person("sam@example.com", is_staff=True, name="Sam")
    sam.groups.add(Group.objects.get(name="analyst"))
    enter(page, site, sam, factor=True)


def test_a_tighter_limit_is_in_force_at_once_and_a_wider_one_waits(analyst, page: Page, site: str) -> None:
    service, _ = open_service()
    held = LimitPolicy.objects.create(
        service=service, name="minute", applies_to="credential", quota=60, window_seconds=60, burst=60
    )
    page.goto(f"{site}/admin/limits/")
    check(page, "limits")
    page.goto(f"{site}/admin/limits/new/?service_id={service.pk}&name=minute&applies_to=credential")
    check(page, "limit-new")
    page.get_by_label("Units").fill("30")
    page.get_by_label("At once, at most").fill("30")
    page.get_by_label("Reason").fill("a noisy month")
    page.locator("main form button").last.click()
    check(page, "limit-change")
    page.get_by_role("button", name="force").click()
    held.refresh_from_db()
    assert (held.quota, held.burst) == (30, 30)
    page.goto(f"{site}/admin/limits/policies/{held.pk}/override/")
    check(page, "limit-override-new")
    page.goto(f"{site}/admin/limits/overrides/")
    check(page, "limit-overrides")
    assert LimitChange.objects.get().state == "done"


def test_a_bad_list_is_named_line_by_line(analyst, page: Page, site: str) -> None:
    page.goto(f"{site}/admin/batches/new/")
    check(page, "batch-new")
    page.get_by_label("Choose by").select_option("list")
    page.get_by_label("List").set_input_files(
        {"name": "bad.csv", "mimeType": "text/csv", "buffer": b"acc_1\nnobody here\n"}
    )
    page.get_by_label("Reason").first.select_option(index=1)
    page.locator("main form button").last.click()
    expect(page.locator("main")).to_contain_text("line 2")
    check(page, "batch-bad-list", status_is_error=True)


def test_a_cluster_is_pinned_and_an_unknown_tag_is_nobodys(analyst, page: Page, site: str) -> None:
    see_hydra("acc_1", "acc_2", "acc_3")
    settled()
    page.goto(f"{site}/admin/clusters/{cluster_of('acc_1', 'sandbox')}/pin/?account=acc_3")
    check(page, "pin")
    page.get_by_label("The other account").fill("acc_1")
    page.get_by_label("Reason").fill("a sister")
    page.locator("main form button").last.click()
    expect(page.locator("main")).to_contain_text("a sister")
    check(page, "cluster-pinned")
    page.goto(f"{site}/admin/traces/")
    page.get_by_label("Tag").fill("AAAAAAAAAAAAAAAAAAAAAA")
    page.get_by_label("Reason").fill("found in a data set")
    page.locator("main form button").last.click()
    check(page, "trace-unknown")
