"""An address that only takes forms says so to people, and stays terse to machines."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
ONLY_POST = "/access/v1/evaluation"


def test_a_person_reads_why_nothing_opens() -> None:
    answer = Client(headers={"Accept": "text/html"}).get(ONLY_POST)
    assert (answer.status_code, "POST" in answer["Allow"]) == (405, True)
    assert "This address takes a form" in answer.content.decode()


def test_a_machine_gets_the_plain_answer() -> None:
    answer = Client(headers={"Accept": "application/json"}).get(ONLY_POST)
    assert answer.status_code == 405
    assert "This address" not in answer.content.decode()


def test_a_page_that_exists_is_left_alone() -> None:
    assert Client(headers={"Accept": "text/html"}).get("/accounts/login/").status_code == 200


def test_the_console_opens_without_the_last_slash() -> None:
    assert Client().get("/admin")["Location"] == "/admin/"
