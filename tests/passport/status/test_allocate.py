import pytest

from passport.status.allocate import DECOYS, allocate, decoys_of, roll_over
from passport.status.encode import get_value
from passport.status.models import StatusEntry, StatusList
from tests.passport.population import NOON

pytestmark = pytest.mark.django_db


def test_a_root_keeps_its_place() -> None:
    assert allocate("pp_1", NOON) == allocate("pp_1", NOON)
    assert StatusEntry.objects.count() == 1


def test_no_two_roots_share_a_place_and_none_gets_a_decoys() -> None:
    places = [allocate(f"pp_{n}", NOON) for n in range(300)]
    assert len(set(places)) == 300
    assert not {index for _, index in places} & set(decoys_of(StatusList.objects.get()))


def test_places_tell_nothing_about_the_order_of_issuing() -> None:
    indexes = [allocate(f"pp_{n}", NOON)[1] for n in range(50)]
    assert indexes != sorted(indexes)


def test_a_new_list_is_not_empty_to_a_reader() -> None:
    allocate("pp_1", NOON)
    held = StatusList.objects.get()
    decoys = decoys_of(held)
    assert len(decoys) == DECOYS
    assert 0 < sum(get_value(bytes(held.content), 2, index) > 0 for index in decoys) < DECOYS


def test_a_list_that_is_half_full_closes_and_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport.status.allocate.FULL", 3)
    for n in range(3):
        assert allocate(f"pp_{n}", NOON)[0] == 1
    assert roll_over()
    assert allocate("pp_next", NOON)[0] == 2
    assert not roll_over()
