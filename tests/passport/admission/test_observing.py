"""Limits that only observe: decided, recorded, and nobody is refused (DESIGN section 6)."""

from datetime import timedelta

import pytest

from passport.admission.admit import OUTCOMES
from passport.limits.models import LimitPolicy
from passport.restrictions.switches import set_switch
from tests.cast import granted
from tests.cast import refused as is_refused


@pytest.fixture
def one_a_minute(house) -> None:
    LimitPolicy.objects.create(
        service=None,
        scope="token",
        name="agent",
        applies_to="credential",
        quota=1,
        window_seconds=60,
        burst=1,
    )


@pytest.fixture
def observe(clock):
    def turn(on: bool = True, **until) -> None:
        set_switch(
            "observe_limits",
            on=on,
            reason="before the first limits",
            actor="user:usr_1",
            now=clock.now(),
            **until,
        )

    return turn


def observed() -> float:
    return sum(
        sample.value
        for metric in OUTCOMES.collect()
        for sample in metric.samples
        if sample.name == "ap_admissions_total" and sample.labels["outcome"] == "observed"
    )


def test_an_agent_over_its_limit_is_served_and_recorded(
    endpoint, scout, one_a_minute, scouts_passport, observe
) -> None:
    observe()
    before = observed()
    for _ in range(3):
        answer = endpoint.exchange(scouts_passport, key=scout.key)
        granted(answer)
    assert observed() == before + 3
    assert answer.headers["RateLimit"].startswith('"agent";r=0')


def test_a_replay_is_refused_all_the_same(endpoint, scout, one_a_minute, scouts_passport, observe) -> None:
    observe()
    proof = scout.key.proof()
    granted(endpoint.exchange(scouts_passport, proof=proof))
    is_refused(endpoint.exchange(scouts_passport, proof=proof), "invalid_dpop_proof")


def test_once_it_is_turned_back_or_over_limits_refuse(
    endpoint, scout, one_a_minute, scouts_passport, observe, clock
) -> None:
    observe()
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    observe(on=False)
    is_refused(endpoint.exchange(scouts_passport, key=scout.key), "temporarily_unavailable", status=429)
    observe(until=clock.now() + timedelta(seconds=5))
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    clock.forward(seconds=5)
    is_refused(endpoint.exchange(scouts_passport, key=scout.key), "temporarily_unavailable", status=429)
