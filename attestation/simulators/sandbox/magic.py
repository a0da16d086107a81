"""What the typed-in values make happen (pure): the sandbox provider's whole behaviour as tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LATER_SECONDS: Final = 8
"""When a second step follows by itself: late enough to see the first on the page."""


class Standing(StrEnum):
    """The provider's own words for where a session is."""

    CREATED = "created"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REVERSED = "reversed"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class Step:
    standing: Standing
    reason: str = ""
    after_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """The steps that follow a submission, in order; none: nothing happens at all."""

    steps: tuple[Step, ...]
    person: str = ""
    """Which test person was shown; empty: somebody nobody else is."""


PROCESSING: Final = Step(Standing.PROCESSING)
APPROVED: Final = Step(Standing.APPROVED)

FAILURES: Final[Mapping[str, str]] = {
    "EXPIRED": "document_expired",
    "SELFIE": "selfie_mismatch",
    "UNDERAGE": "under_age",
    "COUNTRY": "country_not_supported",
    "CONSENT": "consent_declined",
}
COURSES: Final[Mapping[str, tuple[Step, ...]]] = {
    "OK": (PROCESSING, APPROVED),
    "REVIEW": (PROCESSING, Step(Standing.IN_REVIEW), Step(Standing.APPROVED, after_seconds=LATER_SECONDS)),
    "REVERSED": (
        PROCESSING,
        APPROVED,
        Step(Standing.REVERSED, "identity_reversed", after_seconds=LATER_SECONDS),
    ),
}
TYPED: Final = re.compile(r"(OK|REVIEW|REVERSED)(?:-([0-9]{1,9}))?", re.ASCII)


def parse_magic(text: str) -> Course | None:
    """The course of an identity check; None when the value is not one of the table's.

    ``OK`` needs its number: it says who the person is, and the same number is the same person.
    """
    typed = text.strip().upper()
    if typed == "ABANDON":
        return Course(steps=())
    if reason := FAILURES.get(typed):
        return Course(steps=(PROCESSING, Step(Standing.DECLINED, reason)))
    found = TYPED.fullmatch(typed)
    if found is None or (found[1] == "OK" and found[2] is None):
        return None
    return Course(steps=COURSES[found[1]], person=str(int(found[2])) if found[2] else "")


@dataclass(frozen=True, slots=True)
class Card:
    """How a test card behaves. Any other number that passes the Luhn check is an ordinary one."""

    funding: str = "credit"
    attach: str = ""
    """Why it cannot be attached; empty: it can."""
    charge: str = ""
    """Why it cannot be charged."""
    later: str = ""
    """Why a good charge is taken back soon after."""
    challenge: bool = False
    risk: str = "normal"


ORDINARY: Final = Card()
CARDS: Final[Mapping[str, Card]] = {
    "4242424242424242": ORDINARY,
    "4000000000000002": Card(attach="card_declined", charge="card_declined"),
    "4000000000000341": Card(charge="card_declined"),
    "4000000000000259": Card(later="dispute_fraudulent"),
    "4000000000005423": Card(later="fraud_warning"),
    "5105105105105100": Card(funding="prepaid", attach="prepaid_not_accepted", charge="prepaid_not_accepted"),
    "4000002760003184": Card(challenge=True),
    "4000000000009235": Card(risk="elevated", charge="risk_elevated"),
    "4100000000000019": Card(risk="highest", attach="card_blocked", charge="card_blocked"),
}


def parse_card(text: str) -> str | None:
    """The digits of a card number of 13 to 19 digits that passes the Luhn check; else None."""
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{13,19}", digits, re.ASCII):
        return None
    return digits if is_luhn(digits) else None


def is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


@dataclass(frozen=True, slots=True)
class Paid:
    """What a card led to: the steps, and the level that was reached."""

    steps: tuple[Step, ...]
    level: str = ""
    card: Card = field(default=ORDINARY)


def course_of_card(card: Card, wants: str, *, challenge_passed: bool) -> Paid:
    """``wants`` is ``instrument`` (attach) or ``charged`` (attach, then a small charge).

    A card that attaches but cannot be charged still proves an instrument.
    """
    if card.attach:
        return Paid((PROCESSING, Step(Standing.DECLINED, card.attach)), card=card)
    if card.challenge and not challenge_passed:
        return Paid((PROCESSING, Step(Standing.DECLINED, "authentication_failed")), card=card)
    if wants != "charged" or card.charge:
        reason = card.charge if wants == "charged" else ""
        steps = [PROCESSING, Step(Standing.APPROVED, reason)]
    else:
        steps = [PROCESSING, APPROVED]
    if card.later:
        steps.append(Step(Standing.REVERSED, card.later, after_seconds=LATER_SECONDS))
    return Paid(tuple(steps), "charged" if wants == "charged" and not card.charge else "instrument", card)


class Delivery(StrEnum):
    """How this session's webhooks arrive."""

    ON_TIME = ""
    DELAY = "delay"
    DUP = "dup"
    REORDER = "reorder"
    DROP = "drop"
    BADSIG = "badsig"
    STALE = "stale"
    FUTURE = "future"
    WRONGMODE = "wrongmode"
    FAIL_FIRST = "fail-first"


DELIVERIES: Final[Mapping[Delivery, str]] = {
    Delivery.ON_TIME: "on time",
    Delivery.DELAY: "delay: ten seconds late",
    Delivery.DUP: "dup: each sent twice",
    Delivery.REORDER: "reorder: the last one first",
    Delivery.DROP: "drop: never sent",
    Delivery.BADSIG: "badsig: signed with a wrong secret",
    Delivery.STALE: "stale: signed ten minutes ago",
    Delivery.FUTURE: "future: signed ten minutes ahead",
    Delivery.WRONGMODE: "wrongmode: the result claims to be a live one",
    Delivery.FAIL_FIRST: "fail-first: the first attempt does not arrive",
}
