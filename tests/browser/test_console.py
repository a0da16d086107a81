"""J13: a flag, the cluster behind it, one left out and taken back, the batch, its receipt, its undo."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.linkage.observe import observe, observe_visit
from accounts.linkage.settle import settle_marked
from accounts.owners.models import Account
from foundation import clock
from foundation.jobs.outbox import run_due
from foundation.ledger.sequence import sequence
from passport.agents.models import Agent
from passport.restrictions.subjects import account_states
from passport.signing import keys
from tests import people
from tests.browser.conftest import check, enter, said_by

pytestmark = pytest.mark.browser


def hydra() -> list[Account]:
    """Three accounts with one card and one device; Bob has the device too, Carol the address."""
    now = clock.now()
    heads = [Account.objects.create(name=name) for name in ("Brightline", "Quanta Relay", "Northwind")]
    bob, carol = (Account.objects.create(name=name) for name in ("Bob's Workshop", "Carol Labs"))
    for head in heads:
        observe(head.pk, "sandbox", "payment_instrument", "card", seen_at=now)
        Agent.objects.create(
            account=head,
            name=f"{head.name} bot",
            environment="sandbox",
            client_type="confidential",
            authorization_grant_type="client-credentials",
        )
    for account in (*heads, bob):
        observe(account.pk, "sandbox", "device", "laptop", seen_at=now)
    observe_visit([one.pk for one in (*heads, carol)], device="", address="203.0.113.7", seen_at=now)
    Account.objects.filter(pk=heads[2].pk).update(created_at=now - timedelta(days=200))
    settle_marked("sandbox")
    return heads


def work() -> None:
    while run_due():
        pass
    sequence()


def effects(accounts: list[Account]) -> set[int]:
    return set(account_states("sandbox").filter(account__in=accounts).values_list("there", flat=True))


def flag(page: Page, site: str, account: Account) -> None:
    page.goto(f"{site}/admin/accounts/{account.pk}/?environment=sandbox")
    check(page, "j13-01-account")
    page.get_by_role("link", name="Flag…").click()
    page.get_by_label("Reason").select_option("payment_fraud")
    page.get_by_label("Certain").check()
    page.get_by_label("What did you see?").fill("Three declined charges on one card.")
    check(page, "j13-02-flag")
    page.get_by_role("button", name="Flag", exact=True).click()
    page.goto(f"{site}/admin/queue/")
    check(page, "j13-03-queue")


def open_preview(page: Page) -> None:
    page.get_by_role("link", name="3 accounts").click()
    expect(page.get_by_role("heading", name="3 accounts, one actor")).to_be_visible()
    expect(page.get_by_text("One value in common is no sign of one actor.")).to_be_visible()
    check(page, "j13-04-cluster")
    page.get_by_role("link", name="Preview a batch…").click()
    page.get_by_label("Revoke: stops now").check()
    check(page, "j13-05-new-batch")
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", name="3 agents stop working")).to_be_visible()
    check(page, "j13-06-preview")


def leave_one_out_and_take_it_back(page: Page) -> None:
    page.locator("summary").filter(has_text="Leave out…").nth(1).click()
    page.get_by_label("Why?").locator("visible=true").fill("Paid its own invoices.")
    page.get_by_role("button", name="Leave out", exact=True).locator("visible=true").click()
    expect(page.get_by_role("heading", name="2 agents stop working")).to_be_visible()
    check(page, "j13-07-left-out")
    page.get_by_role("button", name="back in").click()
    expect(page.get_by_role("heading", name="3 agents stop working")).to_be_visible()


def run(page: Page, heads: list[Account]) -> None:
    page.get_by_label("Type the number of agents").fill("30")
    page.get_by_role("button", name="Revoke 3 accounts").click()
    expect(page.get_by_text("That is not the number above.").first).to_be_visible()
    assert effects(heads) <= {0}
    # The browser notes the refusal, which was wanted, in its console.
    assert [text for text in said_by(page) if "status of 400" not in text] == []
    said_by(page).clear()
    page.get_by_label("Type the number of agents").fill("3")
    page.get_by_role("button", name="Revoke 3 accounts").click()
    expect(page.get_by_role("heading", name="Revoke · Payment fraud")).to_be_visible()
    assert effects(heads) == {3}
    check(page, "j13-08-running")
    work()
    expect(page.get_by_text("Signed receipt")).to_be_visible()
    page.reload()
    check(page, "j13-09-done")


def undo(page: Page, heads: list[Account]) -> None:
    page.get_by_role("link", name="Undo…").click()
    page.get_by_label("Why is it undone?").fill("The bank confirmed the charges.")
    page.get_by_label("Type the number of accounts").fill("3")
    check(page, "j13-10-undo")
    page.get_by_role("button", name="Undo this batch").click()
    expect(page.get_by_role("heading", name="Revoke · Payment fraud")).to_be_visible()
    assert effects(heads) == {0}
    work()
    expect(page.get_by_text("Signed receipt of the undo")).to_be_visible()
    check(page, "j13-11-undone")


def test_an_analyst_finds_the_hydra_revokes_it_and_takes_it_back(page: Page, site: str) -> None:
    keys.ensure_keys()
    heads = hydra()
    sam = people.person("sam@example.com", is_staff=True, is_superuser=True)
    enter(page, site, sam, factor=True)
    flag(page, site, heads[0])
    open_preview(page)
    leave_one_out_and_take_it_back(page)
    run(page, heads)
    undo(page, heads)
    for name in ("audit", "switches", "keys", "health", "approvals", "batches", "accounts"):
        page.goto(f"{site}/admin/{name}/")
        check(page, f"j13-12-{name}")
    page.goto(f"{site}/admin/audit/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Chain verified to #")).to_be_visible()
