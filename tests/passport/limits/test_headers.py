"""Limits on the wire (STANDARDS section 17)."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from passport.limits.buckets import Bucket, Level
from passport.limits.gcra import Left, Rate
from passport.limits.headers import fields, seconds, string


@dataclass
class Measured:
    bucket: Bucket
    left: Left


def measured(name: str, units: int, full_in_us: int) -> Measured:
    bucket = Bucket(name, Level.ACCOUNT, name, 60, 60, Rate(60, 1_000_000), 1)
    return Measured(bucket, Left(units, full_in_us))


def test_policies_and_what_is_left_are_two_fields() -> None:
    assert fields([measured("agent", 12, 6_000_001), measured("shared", 0, 60_000_000)]) == {
        "RateLimit-Policy": '"agent";q=60;w=60, "shared";q=60;w=60',
        "RateLimit": '"agent";r=12;t=7, "shared";r=0;t=60',
    }


def test_a_wait_is_told_in_whole_seconds_rounded_up() -> None:
    assert fields([], retry_after_us=1) == {"Retry-After": "1"}


def test_without_a_policy_nothing_is_said() -> None:
    assert fields([]) == {}


@given(st.text())
def test_no_name_breaks_out_of_its_string(name) -> None:
    inside = string(name)[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside
    assert inside.isascii()
    assert inside.isprintable()


@given(st.integers(0, 10**12))
def test_the_told_wait_is_never_too_short(us) -> None:
    assert seconds(us) * 1_000_000 >= us
