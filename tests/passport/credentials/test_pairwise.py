import pytest

from passport.credentials.pairwise import pairwise_id

ALICE, MODEL, SEARCH = "acc_alice", "https://model.example", "https://search.example"


def test_one_account_has_one_name_at_one_service() -> None:
    assert pairwise_id(ALICE, MODEL) == pairwise_id(ALICE, MODEL)


def test_two_services_cannot_tell_that_it_is_one_account() -> None:
    assert pairwise_id(ALICE, MODEL) != pairwise_id(ALICE, SEARCH)


def test_a_new_key_in_the_ring_changes_no_name(settings: pytest.FixtureRequest) -> None:
    before = pairwise_id(ALICE, MODEL)
    settings.KEY_RING = {"new": b"n" * 32, **settings.KEY_RING}
    assert pairwise_id(ALICE, MODEL) == before
