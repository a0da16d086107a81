"""The ladders of identity and payment, and whether a level is enough (pure).

Weakest first. A level that nobody knows counts as the weakest when it is held and is never
satisfied when it is asked for: a misspelt setting closes a door, it opens none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

IDENTITY: Final = ("none", "email", "federated", "document")
PAYMENT: Final = ("none", "instrument", "charged")

LAPSED_IDENTITY: Final = "email"
"""What is left when a document or a federated sign-in lapses: an account has a confirmed e-mail."""
LAPSED_PAYMENT: Final = "none"


def at_least(held: str, least: str) -> bool:
    """Whether ``held`` is as strong as ``least``, both of one ladder."""
    for ladder in (IDENTITY, PAYMENT):
        if least in ladder and (held in ladder or least == "none"):
            return rank(held, ladder) >= rank(least, ladder)
    return False


def rank(level: str, ladder: Sequence[str]) -> int:
    """The place on the ladder; an unknown level stands on the lowest rung."""
    return ladder.index(level) if level in ladder else 0


def current(
    identity: str,
    identity_until: datetime | None,
    payment: str,
    payment_until: datetime | None,
    now: datetime,
) -> tuple[str, str]:
    """The two levels that count at ``now``. No end means that the level does not lapse."""
    if identity_until is not None and identity_until <= now:
        identity = min(identity, LAPSED_IDENTITY, key=lambda level: rank(level, IDENTITY))
    if payment_until is not None and payment_until <= now:
        payment = LAPSED_PAYMENT
    return identity, payment


def missing(identity: str, payment: str, least_identity: str, least_payment: str) -> list[str]:
    """What falls short, in words a developer can act on; empty when both levels are enough."""
    short = []
    if not at_least(identity, least_identity):
        short.append(f"identity level {least_identity}, yours is {identity}")
    if not at_least(payment, least_payment):
        short.append(f"payment level {least_payment}, yours is {payment}")
    return short
