"""Reasons why nobody may sign up just now. Apps above register theirs; this app knows none."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class Pause(NamedTuple):
    until: datetime | None
    """When it ends by itself, if it does."""


SIGN_UP_GATES: list[Callable[[datetime], Pause | None]] = []
"""Each is asked with ``now`` before a sign-up page is shown or a form taken; None lets people in."""


def find_pause(now: datetime) -> Pause | None:
    """The first pause in force, or None."""
    return next((pause for gate in SIGN_UP_GATES if (pause := gate(now)) is not None), None)
