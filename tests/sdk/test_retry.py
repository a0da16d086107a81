from hypothesis import given
from hypothesis import strategies as st

from agent_passport import _retry

draws = st.floats(0, 1)
attempts = st.integers(0, 10)
seconds = st.floats(0, 100)


@given(attempts, seconds, seconds, draws)
def test_nobody_comes_back_before_the_server_said(
    attempt: int, asked: float, waited: float, draw: float
) -> None:
    wait = _retry.wait_for(attempt, asked, waited, lambda: draw)
    assert wait is None or wait >= asked


@given(attempts, st.none() | seconds, seconds, draws)
def test_all_waits_together_stay_within_patience(
    attempt: int, asked: float | None, waited: float, draw: float
) -> None:
    wait = _retry.wait_for(attempt, asked, waited, lambda: draw)
    assert wait is None or waited + wait <= _retry.PATIENCE_SECONDS


@given(st.text())
def test_any_retry_after_is_seconds_or_nothing(value: str) -> None:
    parsed = _retry.parse_retry_after(value, now=0)
    assert parsed is None or parsed >= 0


def test_both_forms_of_retry_after_are_read() -> None:
    assert _retry.parse_retry_after("120", now=0) == 120
    assert _retry.parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", now=40) == 60
