"""J18: above 25 accounts a second person decides: not the first, and no approver of this morning."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from accounts.owners.models import Account
from accounts.people.models import User
from foundation import clock
from foundation.ledger.append import append
from passport.agents.models import Agent
from passport.restrictions.models import AccountState
from passport.revocation.models import RevocationBatch
from passport.signing import keys
from tests import people
from tests.browser.conftest import check, enter, said_by
from tests.passport.revocation.hydra import cluster

pytestmark = pytest.mark.browser
MANY = 26
DAY = timedelta(days=1)


@pytest.fixture
def crowd(site: str) -> str:
    """One account more than one person may hit in a day, each with an agent."""
    keys.ensure_keys()
    heads = Account.objects.bulk_create([Account(name=f"Head {n:02}") for n in range(MANY)])
    Agent.objects.bulk_create(
        [
            Agent(
                account=head, name=f"Bot of {head.name}", environment="sandbox", client_type="confidential",
                authorization_grant_type="client-credentials",
            )
            for head in heads
        ]
    )  # fmt: skip
    return cluster("crowd", *[head.pk for head in heads])


def colleague(name: str, *roles: str, since: timedelta, given_by: str = "system:command") -> User:
    """A member of staff whose roles are on the record."""
    user = people.person(f"{name}@example.com", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    append(
        "staff.role_given",
        actor=given_by,
        subject_ids=[user.pk],
        payload={"roles": roles},
        at=clock.now() - since,
    )
    return user


def ask_for_approval(page: Page, site: str, cluster_id: str) -> None:
    page.goto(f"{site}/admin/clusters/{cluster_id}/")
    page.get_by_role("link", name="Preview a batch…").click()
    page.get_by_label("Suspend: stops now").check()
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", name=f"{MANY} agents stop working")).to_be_visible()
    expect(page.get_by_text("So many accounts need a second person")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and run")).to_have_count(0)
    check(page, "j18-01-own-batch")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_role("heading", name="Approvals")).to_be_visible()


def open_what_waits(page: Page, site: str, user: User) -> None:
    page.context.clear_cookies()
    enter(page, site, user, factor=True)
    page.goto(f"{site}/admin/approvals/")
    page.get_by_role("link", name="Suspend cluster").click()


def approve(page: Page) -> None:
    page.get_by_label("Type the number of agents").fill(str(MANY))
    page.get_by_role("button", name="Approve and run").click()


def hit() -> int:
    return AccountState.objects.filter(sandbox_effect__gt=0).count()


def test_a_batch_of_many_runs_when_an_approver_of_yesterday_says_yes(
    page: Page, site: str, crowd: str
) -> None:
    sam = colleague("sam", "analyst", "approver", since=9 * DAY)
    young = colleague("young", "approver", since=timedelta(hours=1))
    friend = colleague("friend", "approver", since=9 * DAY, given_by=f"user:{sam.pk}")
    kim = colleague("kim", "approver", since=9 * DAY)
    enter(page, site, sam, factor=True)
    ask_for_approval(page, site, crowd)
    check(page, "j18-02-approvals")
    page.get_by_role("link", name="Suspend cluster").click()
    expect(page.get_by_text("Asked. It waits under Approvals.")).to_be_visible()
    for user, words in (
        (young, "must be older than 24 hours"),
        (friend, "was given by whoever asks"),
    ):
        open_what_waits(page, site, user)
        approve(page)
        expect(page.get_by_role("alert")).to_contain_text(words)
        assert hit() == 0
    check(page, "j18-03-refused", status_is_error=True)
    said_by(page).clear()
    open_what_waits(page, site, kim)
    check(page, "j18-04-second-person")
    approve(page)
    expect(page.get_by_role("heading", name="Suspend ·")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("kim@example.com").first).to_be_visible()
    assert hit() == MANY


def test_who_asked_cannot_be_the_second_person_by_hand_either(page: Page, site: str, crowd: str) -> None:
    sam = colleague("sam", "analyst", "approver", since=9 * DAY)
    enter(page, site, sam, factor=True)
    ask_for_approval(page, site, crowd)
    page.get_by_role("link", name="Suspend cluster").click()
    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    batch = page.url.split("/batches/")[1].split("/")[0]
    answer = page.request.post(
        f"{site}/admin/batches/{batch}/run/",
        form={
            "csrfmiddlewaretoken": token,
            "typed": str(MANY),
            "digest": RevocationBatch.objects.get(pk=batch).set_digest,
        },
        headers={"Origin": site, "Referer": page.url},
    )
    assert (answer.status, "A second person has to approve this." in answer.text()) == (400, True)
    assert hit() == 0


def test_an_approver_refuses_with_a_reason(page: Page, site: str, crowd: str) -> None:
    sam = colleague("sam", "analyst", since=9 * DAY)
    kim = colleague("kim", "approver", since=9 * DAY)
    enter(page, site, sam, factor=True)
    ask_for_approval(page, site, crowd)
    open_what_waits(page, site, kim)
    page.get_by_text("Refuse this batch").click()
    page.get_by_label("Why?").locator("visible=true").fill("Half of them are a trade fair.")
    page.get_by_role("button", name="Give up").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    assert hit() == 0
