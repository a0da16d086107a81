"""The next steps of a new account. Apps above add theirs; the start page shows them in order.

An app calls ``add(Step(...))`` at the top of its ``urls.py``, as with the menus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse

from accounts.owners.models import Account
from accounts.people import factors
from accounts.people.models import User


class Progress(StrEnum):
    DONE = "done"
    NEXT = "next"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """``progress`` says how far the account is; ``unlocks`` what the step is good for.

    ``url`` gives the page where the step is taken, from the account's id; None where there is none.
    """

    key: str
    order: int
    name: str
    unlocks: str
    action: str
    url: Callable[[str], str] | None
    progress: Callable[[Account, User], Progress]


@dataclass(frozen=True, slots=True)
class Shown:
    step: Step
    progress: Progress
    is_next: bool
    url: str


STEPS: dict[str, Step] = {}


def add(step: Step) -> None:
    """Adding a key again replaces it."""
    STEPS[step.key] = step


def steps_of(account: Account, user: User) -> list[Shown]:
    """All steps in order with their progress; the first one to take is marked."""
    shown: list[Shown] = []
    found_next = False
    for step in sorted(STEPS.values(), key=lambda step: step.order):
        progress = step.progress(account, user)
        is_next = not found_next and progress in {Progress.NEXT, Progress.FAILED}
        found_next = found_next or is_next
        shown.append(Shown(step, progress, is_next, step.url(account.pk) if step.url else ""))
    return shown


def all_done(account: Account, user: User) -> bool:
    return all(step.progress(account, user) == Progress.DONE for step in STEPS.values())


def second_factor(account: Account, user: User) -> Progress:
    return Progress.DONE if factors.types_of(user) else Progress.NEXT


add(
    Step(
        key="email",
        order=10,
        name="Confirm your e-mail address",
        unlocks="You can sign in and open accounts.",
        action="",
        url=None,
        progress=lambda account, user: Progress.DONE,
    )
)
add(
    Step(
        key="factor",
        order=20,
        name="Set up a second factor",
        unlocks="Keys, roles and revocations ask for it.",
        action="Set up…",
        url=lambda account_id: reverse("mfa_activate_totp"),
        progress=second_factor,
    )
)
