"""What members and staff see of usage."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.owners.models import Membership
from foundation import clock as the_clock
from passport.credentials.records import record_issued
from passport.limits.models import LimitPolicy
from passport.usage.rollup import roll_up
from tests import people
from tests.cast import INFER
from tests.passport.population import key, passport, signing_key
from tests.passport.usage.conftest import item, minute_of


@pytest.fixture
def told(model, scout):
    """Scout's morning: calls that were served, and some that were refused."""
    now = the_clock.now()
    LimitPolicy.objects.create(
        service=model.service,
        scope=INFER,
        name="minute",
        applies_to="account",
        quota=60,
        window_seconds=60,
        burst=60,
    )
    assert model.usage(
        item(scout.id, units=30, outcomes={"allowed": 30, "over_limit": 5}),
        item(scout.id, units=7, outcomes={"allowed": 7}, minute=minute_of(now - timedelta(hours=3))),
        item(scout.id, units=0, scope="", outcomes={"bad_proof": 2}),
    ).status_code == 200  # fmt: skip
    roll_up()


def member(account, role: str = "viewer"):
    user = people.person(f"{role}@{account.name}.example")
    Membership.objects.create(account=account, user=user, role=role)
    return people.browser(user, factor=True)


def text_of(response) -> str:
    return b"".join(response.streaming_content).decode()


def test_the_page_says_what_was_used_of_each_limit_and_what_to_do_about_refusals(told, alices) -> None:
    page = member(alices).get(f"/a/{alices.pk}/usage/").content.decode()
    assert 'max="60" high="54" value="30"' in page
    assert "Wait as long as Retry-After says" in page
    assert "Use the SDK, one key file for each agent" in page
    assert "scout" in page
    assert "model.example" in page


@pytest.mark.parametrize(("span", "units"), [("24h", "37"), ("7d", "37"), ("30d", "37"), ("nonsense", "37")])
def test_each_span_adds_up_to_the_same(told, alices, span, units) -> None:
    page = member(alices).get(f"/a/{alices.pk}/usage/?span={span}")
    assert page.context["sheet"].total.units == int(units)
    assert sum(step.sums.calls for step in page.context["sheet"].steps) == 44


def test_filters_narrow_the_page_and_can_be_cleared(told, alices, scout) -> None:
    page = member(alices).get(f"/a/{alices.pk}/usage/?scope={INFER}&agent={scout.id}")
    assert page.context["sheet"].total.refused == 5
    assert "Clear filters" in page.content.decode()
    assert (
        member(alices, "owner").get(f"/a/{alices.pk}/usage/?agent=nobody").context["sheet"].total.calls == 0
    )


def test_an_account_without_traffic_is_told_so(alices) -> None:
    assert "No traffic yet" in member(alices).get(f"/a/{alices.pk}/usage/").content.decode()


@pytest.mark.parametrize("path", ["", "export/", "timeline/", "timeline/export/"])
def test_a_stranger_learns_nothing(told, alices, stranger, path) -> None:
    assert member(stranger.account, "owner").get(f"/a/{alices.pk}/usage/{path}").status_code == 404


@pytest.mark.parametrize(
    "query", ["agent=%00", "span[]=1", "kind=x&credential=%F0", "environment=live", "format=xml"]
)
def test_whatever_is_asked_there_is_a_page(told, alices, query) -> None:
    browser = member(alices)
    for path in ("", "export/", "timeline/", "timeline/export/"):
        assert browser.get(f"/a/{alices.pk}/usage/{path}?{query}").status_code == 200


@pytest.fixture
def lived(told, scout, model, alices):
    """One credential, from its issue to its end."""
    signing_key()
    now = the_clock.now()
    passport(scout.agent, key(scout.agent), issued_at=now - timedelta(hours=2), jti="pp_scout")
    at = str(int(now.timestamp()) - 3600)
    record_issued([{
        "jti": "at_1", "root": "pp_scout", "account_id": alices.pk, "agent": scout.id, "scopes": INFER,
        "audience": model.service.audience, "issued_at": at, "expires_at": at,
    }])  # fmt: skip


def test_the_timeline_tells_the_life_of_a_credential_newest_first(lived, alices) -> None:
    page = member(alices).get(f"/a/{alices.pk}/usage/timeline/")
    told = [(row[0].kind, row[0].what) for row in page.context["rows"]]
    assert sorted(told[:3]) == [("refuse", "bad_proof"), ("refuse", "over_limit"), ("use", "allowed")]
    assert told[3:] == [("exchange", "token_issued"), ("issue", "passport_issued"), ("use", "allowed")]


def test_the_timeline_can_be_narrowed_to_a_credential_and_a_kind(lived, alices) -> None:
    browser = member(alices)
    page = browser.get(f"/a/{alices.pk}/usage/timeline/?credential=pp_scout")
    assert [row[0].kind for row in page.context["rows"]] == ["exchange", "issue"]
    page = browser.get(f"/a/{alices.pk}/usage/timeline/?kind=refuse")
    assert {row[0].what for row in page.context["rows"]} == {"bad_proof", "over_limit"}
    assert (
        "Nothing matches" in browser.get(f"/a/{alices.pk}/usage/timeline/?credential=pp_no").content.decode()
    )


def test_exports_hold_every_event_in_each_shape(lived, alices) -> None:
    browser = member(alices)
    url = f"/a/{alices.pk}/usage/timeline/export/"
    rows = list(csv.DictReader(io.StringIO(text_of(browser.get(url, {"format": "csv"})))))
    assert len(rows) == len(json.loads(text_of(browser.get(url, {"format": "json"})))) == 6
    logs = json.loads(text_of(browser.get(url, {"format": "otlp"})))
    records = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert [record["severityText"] for record in records].count("WARN") == 2
    assert records[-1]["timeUnixNano"].endswith("000000000")


def test_a_cell_that_a_spreadsheet_would_compute_is_quoted(told, alices, model, scout) -> None:
    model.usage(item(scout.id, scope="=cmd()"), id="report-2")
    roll_up()
    assert "'=cmd()" in text_of(member(alices).get(f"/a/{alices.pk}/usage/export/"))


def test_staff_see_the_same_of_an_account(lived, alices) -> None:
    sam = people.browser(people.person("sam@example.com", is_staff=True, is_superuser=True), factor=True)
    page = sam.get(f"/admin/accounts/{alices.pk}/usage/")
    assert page.context["sheet"].total.units == 37
    assert sam.get(f"/admin/accounts/{alices.pk}/usage/timeline/").status_code == 200


def asked(browser, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)


def test_the_pages_ask_the_same_number_of_queries_whatever_the_rows(told, alices, model, scout) -> None:
    browser = member(alices)
    urls = [f"/a/{alices.pk}/usage/", f"/a/{alices.pk}/usage/timeline/"]
    for url in urls * 3:
        browser.get(url)  # the first note the visit in the session
    few = [asked(browser, url) for url in urls]
    for hour in range(4):
        moment = minute_of(the_clock.now() - timedelta(hours=hour))
        items = [
            item(scout.id, scope=f"s{n}", minute=moment, outcomes={"allowed": 1, "other": 1})
            for n in range(30)
        ]
        assert model.usage(*items, id=f"report-h{hour}").status_code == 200
    roll_up()
    assert [asked(browser, url) for url in urls] == few
