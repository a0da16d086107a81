"""The ladders: what is enough, what lapses, and how a shortfall is put into words."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from attestation.levels import IDENTITY, PAYMENT, at_least, current, missing

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
identity_levels = st.sampled_from(IDENTITY)
payment_levels = st.sampled_from(PAYMENT)


@given(identity_levels, identity_levels)
def test_a_level_is_enough_for_itself_and_all_weaker_ones(held, least):
    assert at_least(held, least) == (IDENTITY.index(held) >= IDENTITY.index(least))


@given(payment_levels, payment_levels)
def test_the_payment_ladder_is_ordered_too(held, least):
    assert at_least(held, least) == (PAYMENT.index(held) >= PAYMENT.index(least))


@given(st.text(), st.sampled_from([*IDENTITY, *PAYMENT]))
def test_an_unknown_level_satisfies_nothing_but_none(held, least):
    if held not in IDENTITY and held not in PAYMENT:
        assert at_least(held, least) == (least == "none")


@given(st.text())
def test_an_unknown_requirement_is_never_met(least):
    if least not in IDENTITY and least not in PAYMENT:
        assert not at_least("document", least)


def test_a_level_of_the_other_ladder_is_not_enough():
    assert not at_least("charged", "email")
    assert not at_least("document", "instrument")


def test_a_lapsed_document_counts_as_the_confirmed_address():
    assert current("document", NOON, "charged", NOON + timedelta(days=1), NOON) == ("email", "charged")


def test_a_lapsed_payment_counts_as_none():
    assert current("document", None, "charged", NOON, NOON) == ("document", "none")


def test_lapsing_never_raises_a_level():
    assert current("none", NOON, "none", NOON, NOON) == ("none", "none")


def test_what_is_missing_is_named_with_what_is_held():
    assert missing("email", "none", "document", "instrument") == [
        "identity level document, yours is email",
        "payment level instrument, yours is none",
    ]


def test_nothing_is_missing_where_both_are_enough():
    assert missing("document", "charged", "document", "instrument") == []
