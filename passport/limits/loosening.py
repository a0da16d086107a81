"""Whether a change of policies lets anybody have more than before (pure).

What only takes is done by one person; what gives needs a second. The question is asked of the
terms that hold, not of the rows: a new tier may give more than the default it stands above, and
a row that goes may leave a wider one.
"""

from collections.abc import Sequence
from datetime import datetime

from attestation.levels import IDENTITY
from passport.limits.buckets import Level
from passport.limits.policies import PolicyRow, Terms, matching, resolve

UNNAMED = "\0"
"""Stands for the scopes that no row names."""


def lets_more_through(
    before: Sequence[PolicyRow], after: Sequence[PolicyRow], *, service_id: str, now: datetime
) -> bool:
    """For any scope, level of identity and kind of subject. Rows of one service, without overrides."""
    scopes = {row.scope or UNNAMED for row in (*before, *after)}
    return any(
        _gives(_terms(before, service_id, scope, level, identity, now), terms)
        for scope in scopes
        for level in (Level.CREDENTIAL, Level.ACCOUNT)
        for identity in IDENTITY
        for terms in [_terms(after, service_id, scope, level, identity, now)]
    )


def is_looser(one: Terms, other: Terms) -> bool:
    """Whether ``one`` lets more come at once, or more flow, than ``other``."""
    if one.rate.burst == 0 or other.rate.burst == 0:
        return one.rate.burst > 0 and other.rate.burst == 0
    return one.rate.burst > other.rate.burst or one.rate.emission_us < other.rate.emission_us


def _gives(old: dict[str, Terms], new: dict[str, Terms]) -> bool:
    return any(name not in new or is_looser(new[name], terms) for name, terms in old.items())


def _terms(
    rows: Sequence[PolicyRow], service_id: str, scope: str, level: Level, identity: str, now: datetime
) -> dict[str, Terms]:
    return {one.name: one for one in resolve(matching(rows, service_id, scope), level, identity, now)}
