"""What restrictions add up to: pure, and the whole of the rule.

A credential is good if and only if no active suspend or revoke covers it. Each subject
keeps its own strongest active effect; a credential's state is the maximum over its five.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from passport.fields import Effect
from passport.protocol import INVALID, SUSPENDED, VALID


@dataclass(frozen=True, slots=True)
class Placed:
    """One restriction, as far as its strength is concerned."""

    effect: Effect
    factor: float = 1.0
    """The share of its limits that a throttled subject keeps, 0.0 to 1.0."""
    ends_at: datetime | None = None
    lifted_at: datetime | None = None
    undo_until: datetime | None = None
    """Until then a revoke may be undone; None: it is settled."""

    def is_active(self, now: datetime) -> bool:
        return self.lifted_at is None and (self.ends_at is None or self.ends_at > now)


@dataclass(frozen=True, slots=True)
class Own:
    """What a subject row keeps of its own restrictions."""

    effect: Effect
    factor: float


def own(restrictions: Iterable[Placed], now: datetime) -> Own:
    """The strongest active effect of one subject, and the smallest share any of them leaves."""
    active = [one for one in restrictions if one.is_active(now)]
    return Own(
        strongest(one.effect for one in active),
        min((one.factor for one in active), default=1.0),
    )


def strongest(effects: Iterable[int]) -> Effect:
    """The state of a credential, from the own effects of its account, agent, key, passport, signing key."""
    return Effect(max(effects, default=Effect.NONE))


def is_good(effect: int) -> bool:
    """Whether a credential in this state may be used; a throttled one may."""
    return effect < Effect.SUSPEND


def status_value(effect: int, *, settled: bool) -> int:
    """The published value (Token Status List section 7.1).

    ``settled``: a revoke among them can no longer be undone. A revoke in an open undo
    window is published as SUSPENDED, for INVALID may never be taken back.
    """
    if is_good(effect):
        return VALID
    return INVALID if effect == Effect.REVOKE and settled else SUSPENDED
