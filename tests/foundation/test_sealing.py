import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.sealing.boxes import CannotOpen, open_box, seal, sealed_under


@given(st.binary(max_size=200))
def test_a_sealed_secret_opens_in_its_own_context(secret: bytes) -> None:
    assert open_box(seal(secret, context="a"), context="a") == secret


def test_a_box_does_not_open_in_another_context() -> None:
    with pytest.raises(CannotOpen):
        open_box(seal(b"secret", context="a"), context="b")


@given(st.binary(max_size=300))
def test_whatever_is_no_box_is_refused_as_one(box: bytes) -> None:
    with pytest.raises(CannotOpen):
        open_box(box, context="a")


def test_a_box_of_a_key_that_left_the_ring_says_which(settings) -> None:
    box = seal(b"secret", context="a")
    old = sealed_under(box)
    settings.KEY_RING = {"new": b"n" * 32, **settings.KEY_RING}
    assert open_box(box, context="a") == b"secret"
    settings.KEY_RING = {"new": b"n" * 32}
    with pytest.raises(CannotOpen, match=old):
        open_box(box, context="a")


@pytest.mark.django_db
def test_the_database_is_reached(django_user_model) -> None:
    assert django_user_model.objects.count() == 0
