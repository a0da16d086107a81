"""The Django app; its capabilities are the packages beside this file."""

from datetime import datetime

from django.apps import AppConfig

from accounts.people.gates import SIGN_UP_GATES, Pause


class PassportConfig(AppConfig):
    name = "passport"
    label = "passport"

    def ready(self) -> None:
        SIGN_UP_GATES.append(sign_up_pause)


def sign_up_pause(now: datetime) -> Pause | None:
    """The switch ``sign_ups``, for the app below that knows no switches."""
    # Tables can be imported only when Django has read all apps.
    from passport.restrictions.switches import Name, find_on

    switch = find_on(Name.SIGN_UPS, now)
    return Pause(switch.until) if switch is not None else None
