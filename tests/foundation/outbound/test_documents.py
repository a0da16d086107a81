"""Documents of others: how long they are kept, and what happens while they cannot be had."""

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation.outbound import documents
from foundation.outbound.client import KEYS, Fetched, OutboundError
from foundation.outbound.documents import Kind, life_of, read, reread, sweep
from foundation.outbound.models import StoredDocument

KIND = Kind("tests", KEYS, json.loads)
URL = "https://keys.example/jwks.json"

pytestmark = pytest.mark.django_db


class Publisher:
    """In place of the network: what the next request is answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[], Fetched] = lambda: answer('{"n":1}')

    def fetch(self, method: str, url: str, **more: Any) -> Fetched:
        self.asked.append(url)
        return self.answer()

    def fail(self, reason: str = "timeout") -> None:
        def refuse() -> Fetched:
            raise OutboundError(reason)

        self.answer = refuse


def answer(body: str, status: int = 200, **headers: str) -> Fetched:
    said = {
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Fetched(status, said, body.encode())


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    stand_in = Publisher()
    monkeypatch.setattr(documents, "fetch", stand_in.fetch)
    return stand_in


def ask(clock: Any) -> bytes | str:
    try:
        return read(URL, KIND, now=clock.now()).body
    except OutboundError as refused:
        return refused.reason


def test_a_fresh_document_is_not_fetched_again(publisher: Publisher, clock: Any) -> None:
    ask(clock)
    clock.forward(seconds=299)
    assert (ask(clock), len(publisher.asked)) == (b'{"n":1}', 1)
    clock.forward(seconds=2)
    ask(clock)
    assert len(publisher.asked) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"Cache-Control": "max-age=10"}, 300),
        ({"Cache-Control": "public, max-age=3600"}, 3600),
        ({"Cache-Control": "max-age=3600, max-age=600"}, 600),
        ({"Cache-Control": "max-age=3600", "Age": "600"}, 3000),
        ({"Cache-Control": "max-age=9999999999"}, 86400),
        ({"Cache-Control": "no-store, max-age=3600"}, 300),
        ({"Cache-Control": "max-age=-5"}, 300),
        ({"Cache-Control": "max-age=much"}, 300),
    ],
)
def test_a_document_lives_as_it_says_within_our_bounds(headers: dict[str, str], seconds: int) -> None:
    assert life_of(headers) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer("{}", 404), "status"),
        (answer("{}", 302), "status"),
        (answer("{}", 204), "status"),
        (answer("{}", Content_Type="text/html"), "type"),
        (answer("{}", Content_Type=""), "type"),
        (answer("no json"), "content"),
    ],
)
def test_what_is_no_document_is_refused_and_not_kept(
    publisher: Publisher, clock: Any, given: Fetched, reason: str
) -> None:
    publisher.answer = lambda: given
    assert ask(clock) == reason
    assert StoredDocument.objects.get().body == ""


def test_after_a_failure_nothing_is_asked_for_a_minute(publisher: Publisher, clock: Any) -> None:
    publisher.fail()
    assert (ask(clock), ask(clock), len(publisher.asked)) == ("timeout", "backed_off", 1)
    clock.forward(seconds=61)
    publisher.answer = lambda: answer('{"n":2}')
    assert (ask(clock), len(publisher.asked)) == (b'{"n":2}', 2)


def test_that_this_server_is_busy_is_not_held_against_the_document(publisher: Publisher, clock: Any) -> None:
    publisher.fail("busy")
    ask(clock)
    publisher.answer = lambda: answer('{"n":2}')
    assert ask(clock) == b'{"n":2}'


def test_a_document_whose_server_is_down_is_used_to_its_end_and_no_longer(
    publisher: Publisher, clock: Any
) -> None:
    publisher.answer = lambda: answer('{"n":1}', Cache_Control="max-age=600")
    ask(clock)
    publisher.fail()
    clock.forward(seconds=590)
    assert ask(clock) == b'{"n":1}'
    clock.forward(seconds=20)
    assert ask(clock) == "timeout"


def test_something_unknown_fetches_anew_once_a_minute(publisher: Publisher, clock: Any) -> None:
    ask(clock)
    assert reread(URL, KIND, now=clock.now()) is None
    clock.forward(seconds=61)
    publisher.answer = lambda: answer('{"n":2}')
    found = [reread(URL, KIND, now=clock.now()) for _ in range(3)]
    assert [document and document.body for document in found] == [b'{"n":2}', None, None]
    assert len(publisher.asked) == 2


def test_a_vain_second_fetch_leaves_the_document_in_place(publisher: Publisher, clock: Any) -> None:
    ask(clock)
    publisher.fail()
    clock.forward(seconds=61)
    assert reread(URL, KIND, now=clock.now()) is None
    assert ask(clock) == b'{"n":1}'


def test_what_nobody_asks_for_is_forgotten(publisher: Publisher, clock: Any) -> None:
    ask(clock)
    clock.forward(days=3)
    with contextlib.suppress(OutboundError):
        read("https://other.example/", KIND, now=clock.now())
    assert sweep(clock.now()) == 1
    assert StoredDocument.objects.get().url == "https://other.example/"
