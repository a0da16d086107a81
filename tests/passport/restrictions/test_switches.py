from datetime import timedelta

import pytest

from accounts.people.gates import find_pause
from foundation.ledger.models import Entry
from passport.restrictions.models import Switch
from passport.restrictions.switches import is_on, set_switch, settings
from tests.passport.population import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ISSUANCE, SIGN_UPS = Switch.Name.ISSUANCE, Switch.Name.SIGN_UPS


def turn(name: str, *, on: bool = True, reason: str = "worst day", until=None) -> None:
    set_switch(name, on=on, reason=reason, actor="user:usr_1", now=NOON, until=until)


def test_a_switch_is_off_until_it_is_turned() -> None:
    assert not is_on(ISSUANCE, NOON)
    turn(ISSUANCE)
    assert is_on(ISSUANCE, NOON)
    turn(ISSUANCE, on=False)
    assert not is_on(ISSUANCE, NOON)


def test_it_is_off_again_at_its_end() -> None:
    turn(ISSUANCE, until=NOON + HOUR)
    assert is_on(ISSUANCE, NOON + HOUR - timedelta(seconds=1))
    assert not is_on(ISSUANCE, NOON + HOUR)


@pytest.mark.parametrize("on", [True, False])
def test_it_is_never_turned_without_a_reason(on: bool) -> None:
    with pytest.raises(ValueError):
        turn(ISSUANCE, on=on, reason=" ")


def test_an_unknown_switch_or_an_end_in_the_past_is_refused() -> None:
    with pytest.raises(ValueError):
        turn("gravity")
    with pytest.raises(ValueError):
        turn(ISSUANCE, until=NOON)


def test_each_turn_is_in_the_record() -> None:
    turn(ISSUANCE)
    turn(ISSUANCE, on=False)
    assert [entry.payload["on"] for entry in Entry.objects.order_by("pk")] == [True, False]


def test_all_switches_are_shown() -> None:
    turn(ISSUANCE)
    assert {one.name: one.on for one in settings(NOON)} == {
        name: name == ISSUANCE for name in Switch.Name.values
    }


def test_paused_sign_ups_are_paused_for_the_app_below_too() -> None:
    assert find_pause(NOON) is None
    turn(SIGN_UPS, until=NOON + HOUR)
    pause = find_pause(NOON)
    assert pause is not None
    assert pause.until == NOON + HOUR
