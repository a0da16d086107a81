"""J8: an owner sees a limit reached, why calls were refused, and what to do; staff see the same."""

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from foundation import clock
from passport.limits.models import LimitPolicy
from passport.usage.models import UsageLine
from passport.usage.outcomes import OUTCOMES
from passport.usage.rollup import roll_up
from tests import people
from tests.browser.conftest import check, enter
from tests.cast import EMBED, INFER, MODEL, SEARCH, hire, open_service

pytestmark = pytest.mark.browser


def fill(account: Account) -> None:
    """A day of two agents at two services; in this minute Scout is over its limit."""
    drawn = random.Random(8)
    scout, clerk = hire(account, "Scout").id, hire(account, "Clerk of the longer name").id
    model, search = (open_service(audience)[0] for audience in (MODEL, SEARCH))
    LimitPolicy.objects.create(
        service=model,
        scope=INFER,
        name="minute",
        applies_to="credential",
        quota=60,
        window_seconds=60,
        burst=60,
    )
    LimitPolicy.objects.create(
        service=model,
        scope=INFER,
        name="day",
        applies_to="account",
        quota=9000,
        window_seconds=86400,
        burst=900,
    )
    now = clock.now().replace(second=0, microsecond=0)
    none = dict.fromkeys(OUTCOMES, 0)
    lines = [
        UsageLine(
            minute=now - timedelta(hours=hour), account_id=account.pk, environment="sandbox", agent=agent,
            service_id=service, scope=scope, units=units, root="pp_01M875YV6P5M9VBQ3Y1TJT7K2H",
            **{**none, "allowed": units, "failed": units // 9, "over_limit": drawn.randrange(9)},
        )
        for hour in range(1, 24)
        for agent, service, scope in ((scout, model.pk, INFER), (clerk, search.pk, EMBED))
        for units in [drawn.randrange(40, 300)]
    ]  # fmt: skip
    lines.append(
        UsageLine(
            minute=now, account_id=account.pk, environment="sandbox", agent=scout, service_id=model.pk,
            scope=INFER, units=60, **{**none, "allowed": 60, "over_limit": 17, "lacks_scope": 2, "restricted": 1},
        )
    )  # fmt: skip
    UsageLine.objects.bulk_create(lines)
    roll_up()


def test_a_limit_is_seen_reached_with_its_reason_and_its_cure(page: Page, site: str) -> None:
    sam = people.person("sam@example.com", is_staff=True, name="Sam")
    sam.groups.set(Group.objects.all())
    account = open_account(sam, "Acme Robotics", Account.Kind.ORGANISATION)
    fill(account)
    enter(page, site, sam, factor=True)
    page.goto(f"{site}/a/{account.pk}/usage/")
    expect(page.get_by_text("60 of 60")).to_be_visible()
    expect(page.get_by_text("Wait as long as Retry-After says")).to_be_visible()
    page.get_by_text("The figures").click()
    check(page, "j08-usage")
    page.get_by_role("link", name="Last decisions").click()
    expect(page.get_by_text("Ask for the scope on the agent's page")).to_be_visible()
    check(page, "j08-decisions")
    page.get_by_label("What").select_option("Used")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Failed at the service").first).to_be_visible()
    page.goto(f"{site}/admin/accounts/{account.pk}/usage/?environment=sandbox&span=7d")
    check(page, "j08-console-usage")
