"""What a verifier keeps of what the feed told, and what it takes to hold the lists of ten million credentials."""

from array import array

from agent_passport._standing import DELTAS_KEPT, Delta, Standing, Tracked
from agent_passport._status_list import REVOKED, SUSPENDED, VALID, StatusList
from benchmarks.sdk_memory import measure

NOW = 1_000
LENGTH = 2 * DELTAS_KEPT
SUSPENDED_ALL = Delta(20, {SUSPENDED: array("I", range(DELTAS_KEPT + 1))})


def a_list(*, ledger: int, issued_at: int = NOW, revoked: int | None = None) -> StatusList:
    made = StatusList("uri", 2, bytearray(LENGTH // 4), issued_at, issued_at + 300, 60, ledger)
    if revoked is not None:
        made.tighten(revoked, REVOKED)
    return made


def values(tracked: Tracked, *indexes: int) -> list[int]:
    assert tracked.held is not None
    return [tracked.held.value(index) for index in indexes]


def test_more_deltas_than_are_kept_make_it_want_the_list_and_loosen_nothing_until_it_comes() -> None:
    tracked = Tracked(a_list(ledger=10))
    tracked.follow(SUSPENDED_ALL)
    assert (tracked.deltas, tracked.wanted) == ([], 20)
    tracked.install(a_list(ledger=15, issued_at=NOW + 10, revoked=LENGTH - 1), NOW)
    assert values(tracked, 0, DELTAS_KEPT, LENGTH - 2, LENGTH - 1) == [SUSPENDED, SUSPENDED, VALID, REVOKED]
    tracked.install(a_list(ledger=20, issued_at=NOW + 20), NOW)
    assert values(tracked, 0, DELTAS_KEPT, LENGTH - 1) == [VALID, VALID, VALID]


def test_a_gap_in_the_feed_loosens_nothing_until_a_list_without_the_gap_comes() -> None:
    standing = Standing(lambda: 0.0)
    standing.install(a_list(ledger=10), NOW)
    standing.follow("uri", Delta(12, {REVOKED: array("I", [3])}))
    standing.reload(30)
    standing.install(a_list(ledger=11, issued_at=NOW + 10), NOW)
    assert values(standing.lists["uri"], 3) == [REVOKED]
    standing.install(a_list(ledger=30, issued_at=NOW + 20), NOW)
    assert values(standing.lists["uri"], 3) == [VALID]


def test_ten_million_credentials_and_a_great_revocation_fit_into_ten_megabytes() -> None:
    measured = measure()
    assert measured["credentials"] >= 10_000_000
    assert measured["held_mb"] <= 10
