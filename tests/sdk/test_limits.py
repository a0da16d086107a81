"""Limits at a service: units in blocks, the exact 429, and what holds when the issuer is away."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_passport import AgentKey, Refusal, Verified, Verifier
from agent_passport._gcra import Rate, decide
from agent_passport._limits import rates_of
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE, Clock, call, headers_of, make_proof


class Budget:
    """The issuer's side of a limit: ``left`` units for each agent and scope."""

    def __init__(self, left: int) -> None:
        self.left: dict[tuple[str, str], int] = {}
        self.most = left
        self.asked: list[int] = []
        self.lock = threading.Lock()

    def __call__(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.asked.append(asked["units"])
            key = asked["sub"], asked["scope"]
            left = self.left.setdefault(key, self.most)
            granted = min(left, asked["units"])
            self.left[key] -= granted
            policies = [{"name": "minute", "q": self.most, "w": 60, "r": self.left[key], "t": 7}]
            retry = 0 if granted else 7
            return {"granted": granted, "expires_in_ms": 1000, "policies": policies, "retry_after": retry}


@pytest.fixture
def token(issuer: FakeIssuer, key: AgentKey) -> str:
    return issuer.access_token(key, AUDIENCE)


def test_after_the_last_unit_the_answer_says_when_to_come_back(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.blocks = Budget(5)
    for _ in range(5):
        assert call(following, key, token, scope="model:infer")
    refusal = call(following, key, token, scope="model:infer")
    assert isinstance(refusal, Refusal)
    assert refusal.status == 429
    headers = dict(refusal.headers)
    assert 6 <= int(headers["Retry-After"]) <= 7
    assert headers["RateLimit-Policy"] == '"minute";q=5;w=60'
    assert headers["RateLimit"] == '"minute";r=0;t=7'
    assert "WWW-Authenticate" not in headers
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(refusal.body)
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert problem["violated-policies"] == ["minute"]


def test_another_scope_and_another_agent_have_budgets_of_their_own(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.blocks = Budget(1)
    assert call(following, key, token, scope="model:infer")
    assert not call(following, key, token, scope="model:infer")
    assert call(following, key, token, scope="echo:read")
    other = issuer.access_token(key, AUDIENCE, sub="agent_bob", client_id="agent_bob")
    assert call(following, key, other, scope="model:infer")


def test_a_call_that_passes_says_what_is_left(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.blocks = Budget(10)
    verified = call(following, key, token, scope="model:infer")
    assert isinstance(verified, Verified)
    assert dict(verified.headers) == {
        "RateLimit-Policy": '"minute";q=10;w=60',
        "RateLimit": '"minute";r=9;t=7',
    }


def test_of_a_burst_in_parallel_exactly_the_quota_passes(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.blocks = Budget(20)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: call(following, key, token, scope="model:infer"), range(40)))
    assert sum(isinstance(result, Verified) for result in results) == 20


def test_a_refusal_is_repeated_without_asking_and_not_for_long(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str, clock: Clock
) -> None:
    budget = issuer.blocks = Budget(0)
    for _ in range(5):
        assert not call(following, key, token, scope="model:infer")
    assert len(budget.asked) == 1
    budget.most, budget.left = 5, {}
    clock.ahead = 1.1
    assert call(following, key, token, scope="model:infer")


@pytest.mark.parametrize(("told", "reason"), [("suspended", "agent_suspended"), ('x"y', "agent_restricted")])
def test_a_restricted_agent_is_refused_by_its_token(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str, told: str, reason: str
) -> None:
    issuer.blocks = lambda asked: {"granted": 0, "reason": told}
    refusal = call(following, key, token, scope="model:infer")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.reason) == (401, "invalid_token", reason)


def test_while_the_issuer_is_away_the_limits_of_the_token_hold(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    assert call(following, key, token, scope="echo:read")
    issuer.stop()
    results = [call(following, key, token, scope="model:infer") for _ in range(3)]
    first, second, third = results
    assert isinstance(first, Verified)
    assert first.allowance
    assert first.allowance.degraded
    assert second
    assert isinstance(third, Refusal)
    assert third.status == 429
    assert dict(third.headers)["RateLimit-Policy"] == '"minute";q=2;w=60'


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"granted": -1},
        {"granted": "x"},
        {"granted": 1, "policies": [{"name": 'a"b'}]},
        {"granted": 1, "policies": {}},
    ],
)
def test_an_answer_that_makes_no_sense_counts_as_none(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str, answer: dict[str, Any]
) -> None:
    issuer.blocks = lambda asked: answer
    verified = call(following, key, token, scope="model:infer")
    assert isinstance(verified, Verified)
    assert verified.allowance
    assert verified.allowance.degraded


def test_a_cost_of_several_units_is_taken_whole(
    following: Verifier, issuer: FakeIssuer, key: AgentKey, token: str
) -> None:
    issuer.blocks = Budget(5)
    outcomes = [
        following.check(
            "GET", "/echo", headers_of(token, make_proof(key, token)), scope="model:infer", cost=3
        )
        for _ in range(2)
    ]
    assert [bool(outcome) for outcome in outcomes] == [True, False]


def test_a_service_without_credentials_decides_by_the_token(
    make_verifier: Callable[..., Verifier], key: AgentKey, token: str
) -> None:
    verifier = make_verifier()
    assert [bool(call(verifier, key, token, scope="model:infer")) for _ in range(3)] == [True, True, False]


rates = st.builds(Rate, st.just("minute"), st.integers(1, 1000), st.integers(1, 86400))


@given(rates, st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10_000_000)), max_size=50))
def test_never_is_more_given_than_the_quota_and_what_came_back(
    rate: Rate, calls: list[tuple[int, int]]
) -> None:
    tat_us = now_us = taken = 0
    for cost, pause_us in calls:
        now_us += pause_us
        decision = decide(rate, cost=cost, tat_us=tat_us, now_us=now_us)
        tat_us = decision.tat_us
        taken += cost if decision.retry_after_us == 0 else 0
    assert taken <= rate.quota + now_us // rate.emission_us + 1


@given(rates, st.integers(1, 5), st.integers(0, 10**12))
def test_after_the_wait_that_was_told_the_same_cost_passes(rate: Rate, cost: int, tat_us: int) -> None:
    decision = decide(rate, cost=cost, tat_us=tat_us, now_us=0)
    again = decide(rate, cost=cost, tat_us=tat_us, now_us=decision.retry_after_us)
    assert again.retry_after_us == 0 or cost > rate.quota


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.booleans(),
        lambda i: st.lists(i) | st.dictionaries(st.sampled_from(["scope", "q", "w", "policy"]), i),
    )
)
def test_whatever_the_limits_claim_says_there_is_a_bound(claim: object) -> None:
    assert all(rate.quota > 0 and rate.emission_us >= 0 for rate in rates_of(claim, "model:infer"))
