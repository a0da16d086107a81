from urllib.parse import parse_qs

import pytest
from django.test import RequestFactory

from accounts.people.models import DevelopmentMail
from foundation import clock
from foundation.web.paging import Page, keyset


def read(query: str = "", key: str = "-pk", size: int = 3) -> Page[DevelopmentMail]:
    return keyset(DevelopmentMail.objects.all(), RequestFactory().get(f"/list/{query}"), key=key, size=size)


@pytest.fixture
def seven(db: None) -> list[str]:
    now = clock.now()
    for number in range(7):
        # Two moments for seven rows: the order must hold where the key is equal.
        DevelopmentMail.objects.create(
            to=f"{number}", subject="s", body="b", sent_at=now.replace(microsecond=number // 4)
        )
    return [str(number) for number in reversed(range(7))]


@pytest.mark.parametrize("key", ["-pk", "-sent_at"])
def test_every_row_is_met_once_going_on_and_going_back(seven: list[str], key: str) -> None:
    page, met = read(key=key), []
    while True:
        met += [row.to for row in page.rows]
        if page.next_url is None:
            break
        page = read(page.next_url, key)
    assert met == seven
    back: list[str] = [row.to for row in page.rows]
    while page.previous_url:
        page = read(page.previous_url, key)
        back = [row.to for row in page.rows] + back
    assert back == seven
    assert page.previous_url is None


def test_filters_stay_in_the_links(seven: list[str]) -> None:
    page = read("?state=open&before=garbage")
    assert parse_qs(page.next_url.removeprefix("?"))["state"] == ["open"]
    assert "before" not in page.next_url


@pytest.mark.parametrize(
    "query", ["?after=%00", "?after=W10", "?after=WyJ4Il0", "?after=bnVsbA", "?before=" + "A" * 600]
)
def test_a_place_we_did_not_write_is_the_first_page(seven: list[str], query: str) -> None:
    assert [row.to for row in read(query).rows] == seven[:3]


def test_no_rows_have_no_neighbours(db: None) -> None:
    assert (read().rows, read().next_url, read().previous_url) == ([], None, None)
