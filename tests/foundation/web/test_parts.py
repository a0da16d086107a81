from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from foundation.web import parts

NOW = datetime(2026, 11, 24, 3, 57, 41, tzinfo=UTC)


def written(source: str, **context: object) -> str:
    return Template("{% load parts %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("word", "tone"),
    [("Active", "good"), ("awaiting_approval", "open"), ("throttled", "less"), ("SUSPENDED", "held"),
     ("revoked", "final"), ("expired", "over"), ("never heard of", "over")],
)  # fmt: skip
def test_a_status_is_a_word_an_icon_and_a_colour(word: str, tone: str) -> None:
    html = written("{% status word %}", word=word)
    assert f"status-{tone}" in html
    assert "<svg" in html
    assert parts.status(word)["label"] in html


@pytest.mark.parametrize(
    ("ago", "words"),
    [(timedelta(seconds=20), "just now"), (timedelta(minutes=3), "3 minutes ago"), (timedelta(hours=1), "1 hour ago"),
     (timedelta(days=-2), "in 2 days"), (timedelta(days=800), "2 years ago")],
)  # fmt: skip
def test_times_are_told_both_ways(ago: timedelta, words: str) -> None:
    assert parts.relative(NOW - ago, NOW) == words
    assert parts.exact(NOW) == "24 Nov 2026, 03:57:41 UTC"


def test_identifiers_are_shortened_and_copied_whole() -> None:
    html = written('{% ident "agent_01JCXYZABCDEFGHJKMNPQRSTVW" %}')
    assert "agent_01JCXY…RSTVW" not in html
    assert "agent_01JCXY…QRSTVW" in html
    assert 'data-copy="agent_01JCXYZABCDEFGHJKMNPQRSTVW"' in html


def test_what_people_typed_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    for source in ("{% ident x %}", "{% status x %}", "{% amount 3 x %}", "{% empty x x %}", "{% copy x %}"):
        assert "<script>alert" not in written(source, x=evil)


def test_numbers_are_grouped_with_their_unit() -> None:
    assert (
        written('{% amount 24000 "agents" %}')
        == '<span class="amount">24,000 <span class="unit">agents</span></span>'
    )
