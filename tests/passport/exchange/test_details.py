"""authorization_details: read strictly, never widened (RFC 9396)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import InvalidAuthorizationDetails
from passport.exchange.details import (
    PERIODS,
    TYPES,
    Data,
    Detail,
    Spend,
    details_claim,
    meet_details,
    narrow_details,
    parse_details,
    read_details,
)

SPEND = {"type": "spend", "currency": "EUR", "amount": "100.00", "period": "month"}
DATA = {"type": "data", "datatypes": ["prompts"], "volume": 1024, "period": "day"}
HUNDRED = Spend("EUR", Decimal("100.00"), "month")

PLACES = ("https://shop.example/v1", "https://data.example/v1")
places = st.none() | st.frozensets(st.sampled_from(PLACES), min_size=1)
periods = st.sampled_from(PERIODS[:3])
spends = st.builds(Spend, st.sampled_from(["EUR", "USD"]), st.integers(1, 20).map(Decimal), periods, places)
kinds = st.frozensets(st.sampled_from(["prompts", "files", "mail"]), min_size=1)
amounts_of_data = st.builds(Data, kinds, st.integers(1, 20), periods, places) | st.builds(
    Data, kinds, locations=places
)
details = st.lists(spends | amounts_of_data, max_size=4)


def parse(*items: Any) -> tuple[Detail, ...]:
    return parse_details(json.dumps(list(items)), types=TYPES)


def test_a_spending_limit_is_read_as_written() -> None:
    assert parse(SPEND) == (HUNDRED,)


def test_a_limit_on_data_is_read_as_written() -> None:
    assert parse(DATA) == (Data(frozenset({"prompts"}), 1024, "day"),)


def test_currencies_bring_their_own_decimals() -> None:
    assert parse({**SPEND, "currency": "JPY", "amount": "100"})
    with pytest.raises(InvalidAuthorizationDetails, match="more than the 0 decimals"):
        parse({**SPEND, "currency": "JPY", "amount": "100.5"})


@pytest.mark.parametrize(
    "amount",
    [
        "1e3",
        "-5",
        "+5",
        "05",
        ".5",
        "5.",
        "NaN",
        "1,000",
        "\u0661",
        " 5",
        "0",
        "0.00",
        5,
        5.0,
        None,
        "9" * 13,
    ],
)
def test_an_amount_in_another_form_is_refused(amount: object) -> None:
    with pytest.raises(InvalidAuthorizationDetails, match="amount"):
        parse({**SPEND, "amount": amount})


@pytest.mark.parametrize(
    "item",
    [
        {**SPEND, "currency": "eur"},
        {**SPEND, "currency": "XXX"},
        {**SPEND, "currency": ["EUR"]},
        {**SPEND, "period": "fortnight"},
        {**SPEND, "period": ["month"]},
        {**SPEND, "locations": []},
        {**SPEND, "locations": "https://shop.example/v1"},
        {**SPEND, "locations": ["/relative"]},
        {**SPEND, "locations": [PLACES[0], PLACES[0]]},
        {**SPEND, "limit": 5},
        {**DATA, "datatypes": []},
        {**DATA, "datatypes": [{}]},
        {**DATA, "datatypes": ["two words"]},
        {**DATA, "volume": True},
        {**DATA, "volume": 1.5},
        {**DATA, "volume": 0},
        {**DATA, "volume": 2**53},
        {"type": "data", "datatypes": ["prompts"], "volume": 5},
        {"type": "spend"},
        {"type": "payment_initiation"},
        {"type": ["spend"]},
        {},
        "spend",
        None,
    ],
    ids=str,
)
def test_a_detail_that_is_not_exactly_of_its_type_is_refused(item: object) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        parse(item)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{}",
        "[]",
        "null",
        "[",
        json.dumps(SPEND),
        '[{"type":"spend","type":"spend","currency":"EUR","amount":"1","period":"day"}]',
        "[" * 5000,
        json.dumps([SPEND, {**SPEND, "amount": "50"}]),
        json.dumps([{**SPEND, "locations": [f"https://shop.example/{n}"]} for n in range(11)]),
        json.dumps([{**DATA, "datatypes": ["x" * 4096]}]),
        '[{"type":"spend","currency":"\\ud800","amount":"1","period":"day"}]',
    ],
    ids=lambda raw: raw[:30],
)
def test_what_is_no_list_of_details_is_refused(raw: str) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        parse_details(raw, types=TYPES)


def test_a_type_that_is_not_offered_is_refused_by_the_names_that_are() -> None:
    with pytest.raises(InvalidAuthorizationDetails, match="one of: spend"):
        parse_details(json.dumps([DATA]), types={"spend"})


def test_nothing_asked_gives_all_that_is_held() -> None:
    assert narrow_details((HUNDRED,), ()) == (HUNDRED,)


def test_a_wider_amount_is_refused_by_name() -> None:
    asked = Spend("EUR", Decimal("100.01"), "month")
    with pytest.raises(InvalidAuthorizationDetails, match=r"spend up to 100\.01 EUR a month"):
        narrow_details((HUNDRED,), (asked,))


def test_a_limit_of_another_period_is_never_taken_for_narrower() -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        narrow_details((HUNDRED,), (Spend("EUR", Decimal(1), "day"),))


def test_a_limit_cannot_be_had_twice_in_parts() -> None:
    parts = [Spend("EUR", Decimal(60), "month", frozenset({place})) for place in PLACES]
    with pytest.raises(InvalidAuthorizationDetails):
        narrow_details((HUNDRED,), parts)


def test_each_asked_detail_finds_a_bearer_where_there_is_a_way() -> None:
    here = frozenset({PLACES[0]})
    held = [HUNDRED, Spend("EUR", Decimal(100), "month", here)]
    asked = [Spend("EUR", Decimal(5), "month", here), Spend("EUR", Decimal(5), "month")]
    assert narrow_details(held, asked) == tuple(asked)


@given(details, details)
def test_whatever_is_asked_nothing_is_gained(held: list[Detail], asked: list[Detail]) -> None:
    try:
        narrowed = narrow_details(held, asked)
    except InvalidAuthorizationDetails:
        return
    assert all(any(bearer.covers(detail) for bearer in held) for detail in narrowed)
    assert len(narrowed) <= len(held)


@given(details, details)
def test_what_two_allow_is_within_both(one: list[Detail], other: list[Detail]) -> None:
    met = meet_details(one, other)
    for held in (one, other):
        assert not met or narrow_details(held, met) == met


@given(details)
def test_a_claim_is_read_back_as_it_was_meant(some: list[Detail]) -> None:
    distinct = meet_details(some, some)
    claim = details_claim(distinct)
    assert claim is None or read_details(json.loads(json.dumps(claim))) == distinct


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*SPEND, *DATA, "locations"]) | st.text(), inner)
        ),
    )
)
def test_no_json_breaks_the_reader(value: Any) -> None:
    try:
        parse_details(json.dumps(value), types=TYPES)
    except InvalidAuthorizationDetails:
        return
