"""The life of an attestation as a table of allowed steps (pure)."""

from collections.abc import Mapping
from typing import Final

from attestation.contract import State

NEXT: Final[Mapping[State, frozenset[State]]] = {
    # What happened in between may have been missed, so a new one can turn into anything.
    State.PENDING: frozenset(State) - {State.PENDING},
    State.PROCESSING: frozenset(State) - {State.PENDING, State.PROCESSING},
    State.REVIEW: frozenset(State) - {State.PENDING, State.PROCESSING, State.REVIEW},
    # A failed session may be tried again at the provider.
    State.FAILED: frozenset(State) - {State.FAILED},
    State.VERIFIED: frozenset({State.REVIEW, State.REVERSED, State.REDACTED, State.EXPIRED}),
    # A dispute that was won restores.
    State.REVERSED: frozenset({State.VERIFIED, State.REVIEW, State.REDACTED}),
    State.REDACTED: frozenset({State.REVERSED, State.EXPIRED}),
    # A lapsed proof can still turn out to have been false; it never comes back to life.
    State.EXPIRED: frozenset({State.REVERSED, State.REDACTED}),
    State.CANCELED: frozenset({State.REDACTED}),
}

UNFINISHED: Final = frozenset({State.PENDING, State.PROCESSING, State.REVIEW})
"""Those the reconciler asks about."""
COUNTING: Final = frozenset({State.VERIFIED, State.REDACTED})
"""Those that give a level (a redacted one only where it had been verified)."""
LOST: Final = frozenset({State.FAILED, State.CANCELED})
"""What takes a verified result back, however the provider words it."""


class ForbiddenStep(Exception):
    """The provider reports a state that cannot follow the one on record."""


def step(held: State, observed: State) -> State:
    """The state after ``observed`` was fetched. Raises ForbiddenStep.

    A result that was given and is then called failed or cancelled was taken back: reversed.
    """
    if held in COUNTING and observed in LOST:
        observed = State.REVERSED
    if observed != held and observed not in NEXT[held]:
        raise ForbiddenStep(f"{held} to {observed}")
    return observed
