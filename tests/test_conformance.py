"""The plugin that holds the numbered refusals against the tests (tests/conformance.py)."""

import json
from dataclasses import replace

import pytest

from tests.conformance import Book, Family, document, families, faults, the_server

FAMILY = Family("TOK", "tokens", "RFC 6749", offered=True, numbers={"TOK-01": "a", "TOK-02": "b"})


@pytest.fixture
def book() -> Book:
    found = Book()
    for number in FAMILY.numbers:
        found.add("refusal", number, f"tests/test_x.py::test_{number}")
        found.judge(f"tests/test_x.py::test_{number}", "passed")
    return found


def test_each_number_with_one_test_that_passed_is_no_fault(book: Book) -> None:
    book.add("shows", "TOK-01", "tests/test_x.py::test_more")
    assert list(faults(book, [FAMILY])) == []


def test_a_number_without_a_test_and_one_with_two_are_faults(book: Book) -> None:
    del book.tests["TOK-01"]
    book.add("refusal", "TOK-02", "tests/test_x.py::test_again")
    first, second = faults(book, [FAMILY])
    assert first == "TOK-01 has no test"
    assert second.startswith("TOK-02 has 2 tests")


def test_a_number_that_the_table_lacks_is_a_fault(book: Book) -> None:
    book.add("refusal", "TOK-99", "tests/test_x.py::test_odd")
    assert list(faults(book, [FAMILY])) == ["TOK-99 is not in refusals.json"]


def test_of_several_cases_and_of_a_class_the_worst_result_counts(book: Book) -> None:
    book.tests["TOK-01"] = {"tests/test_x.py::TestAll"}
    book.judge("tests/test_x.py::TestAll::test_one", "failed")
    book.judge("tests/test_x.py::TestAll::test_one", "passed")
    assert list(faults(book, [FAMILY])) == ["TOK-01 failed: tests/test_x.py::TestAll"]
    assert "| TOK-01 | a | failed |" in document(book, [FAMILY])


def test_a_family_that_is_not_offered_needs_no_tests_and_is_listed_as_such() -> None:
    waiting = replace(FAMILY, offered=False)
    assert list(faults(Book(), [waiting])) == []
    said = document(Book(), [waiting])
    assert "- TOK: tokens (RFC 6749)" in said
    assert "TOK-01" not in said


def test_what_is_offered_is_told_by_the_metadata() -> None:
    def offered(*members: str, grants: tuple[str, ...] = ()) -> set[str]:
        described = {"grant_types_supported": grants, **dict.fromkeys(members, "x")}
        return {one.name for one in families(described, lambda path: False) if one.offered}

    least = offered()
    assert {"TOK", "EX", "CC"} <= least
    assert offered("authorization_endpoint") - least == {"AC"}
    assert offered("pushed_authorization_request_endpoint") - least == {"PAR"}
    assert offered(grants=("refresh_token",)) - least == {"RT"}


def test_this_servers_own_word_is_read() -> None:
    described, is_routed = the_server()
    assert described["token_endpoint"]
    assert is_routed("/oauth/token")
    assert not is_routed("/nowhere")


def test_the_table_names_each_number_once_and_in_its_family() -> None:
    table = json.loads(families.__globals__["TABLE"].read_text())["families"]
    for family in table:
        assert all(number.startswith(f"{family['family']}-") for number in family["numbers"])
