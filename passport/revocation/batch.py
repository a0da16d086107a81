"""The life and the rules of a batch: pure. No tables, no clock."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

UNDO_WINDOW = timedelta(hours=72)
"""A revoke is published as SUSPENDED so long; then it is final."""
VIEW_LASTS = timedelta(minutes=15)
"""An approval counts from the moment the approver opened the preview."""
ROLE_AGE = timedelta(hours=24)
"""A role given yesterday evening does not approve this morning: whoever gave it has been seen."""
HIT_WINDOW = timedelta(hours=24)
SECOND_PERSON_ABOVE = 25
"""Accounts hit by one actor, or in one cluster, within HIT_WINDOW: beyond, two people decide."""


class State(StrEnum):
    DRAFT = "draft"
    PREVIEWED = "previewed"
    AWAITING = "awaiting_approval"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    CANCELLED = "cancelled"


NEXT: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.PREVIEWED, State.CANCELLED}),
    State.PREVIEWED: frozenset({State.PREVIEWED, State.AWAITING, State.RUNNING, State.CANCELLED}),
    State.AWAITING: frozenset({State.PREVIEWED, State.RUNNING, State.CANCELLED}),
    # No way back half-way: finish, then undo.
    State.RUNNING: frozenset({State.PAUSED, State.DONE}),
    State.PAUSED: frozenset({State.RUNNING}),
    State.DONE: frozenset({State.UNDOING}),
    State.UNDOING: frozenset({State.UNDONE}),
    State.UNDONE: frozenset(),
    State.CANCELLED: frozenset(),
}


class BatchError(Exception):
    """Refused. ``code`` is for machines, the message may be shown; ``conflict`` is a 409."""

    def __init__(
        self, code: str, message: str, *, conflict: bool = False, accounts: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.conflict = conflict
        self.accounts = tuple(accounts)
        """Those the message is about."""


class WrongState(BatchError):
    """Somebody took another step first, or the batch is not that far."""

    def __init__(self, current: str, wanted: str) -> None:
        super().__init__("wrong_state", f"a batch that is {current} cannot become {wanted}", conflict=True)


def check_step(current: State, wanted: State) -> None:
    """Raises WrongState when the table has no such step."""
    if wanted not in NEXT[current]:
        raise WrongState(current, wanted)


@dataclass(frozen=True, slots=True)
class Member:
    """One subject of a set, and the links that hold it there."""

    type: str
    id: str
    account_id: str
    links: frozenset[str] = frozenset()
    """``kind:tag`` of every value it shares with the others."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a cluster has changed since a set was stored."""

    left: tuple[str, ...]
    weakened: tuple[str, ...]
    """Members that lost a link they were shown with."""
    newcomers: tuple[str, ...]

    @property
    def breaks_approval(self) -> bool:
        return bool(self.left or self.weakened)


def drift(stored: Iterable[Member], now: Mapping[str, frozenset[str]]) -> Drift:
    """Compare the stored set (without the excluded) with the cluster's present members and links."""
    before = {member.account_id: member.links for member in stored}
    return Drift(
        left=tuple(sorted(account for account in before if account not in now)),
        weakened=tuple(
            sorted(account for account, links in before.items() if account in now and links - now[account])
        ),
        newcomers=tuple(sorted(set(now) - set(before))),
    )


def digest_of(members: Iterable[Member], *, effect: int, factor: float, environment: str) -> str:
    """SHA-256, hexadecimal, over the set in order and what is to be done to it."""
    lines = sorted(f"{member.type}:{member.id}" for member in members)
    text = "\n".join([f"{environment} {effect} {factor:.6f}", *lines])
    return hashlib.sha256(text.encode()).hexdigest()


def needs_second_person(*, by_actor: int, in_cluster: int) -> bool:
    """``by_actor`` and ``in_cluster``: accounts hit within HIT_WINDOW, this batch's among them."""
    return max(by_actor, in_cluster) > SECOND_PERSON_ABOVE


@dataclass(frozen=True, slots=True)
class Role:
    """The approver's role: since when, and given by whom."""

    since: datetime
    given_by: str


def check_second_person(*, approver: str, requester: str, role: Role | None, now: datetime) -> None:
    """Raises BatchError unless ``approver`` may be the second person. Nobody is exempt."""
    if approver == requester:
        raise BatchError("own_request", "a second person has to approve this")
    if role is None:
        raise BatchError("not_an_approver", "only an approver can be the second person")
    if now - role.since < ROLE_AGE:
        raise BatchError("role_too_new", "the role of approver must be older than 24 hours")
    if role.given_by == requester:
        raise BatchError("role_from_requester", "the role was given by whoever asks")


def check_view(
    *, viewed_at: datetime | None, viewed_digest: str, set_digest: str, given_digest: str, now: datetime
) -> None:
    """An approval binds the set that its giver saw, not longer than VIEW_LASTS ago."""
    if viewed_at is None:
        raise BatchError("not_viewed", "open the preview first")
    if now - viewed_at > VIEW_LASTS:
        raise BatchError("view_too_old", "the preview was opened more than 15 minutes ago: open it again")
    if not given_digest == set_digest == viewed_digest:
        raise BatchError(
            "set_changed", "the set has changed since it was shown: open it again", conflict=True
        )


def check_undo(*, undo_until: datetime | None, now: datetime) -> None:
    if undo_until is not None and now >= undo_until:
        raise BatchError("window_closed", "the undo window has closed: the revoke is final")
