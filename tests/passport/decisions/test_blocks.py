"""POST /v1/limits/blocks: what a service may spend by itself."""

import pytest

from accounts.linkage.models import AccountCluster, Cluster
from foundation import clock
from tests.passport.decisions.conftest import grown, limit, token_for

pytestmark = pytest.mark.embedded

BLOCKS = "/v1/limits/blocks"


def want(units: int = 3, sub: str = "agent_alice", scope: str = "model:infer"):
    return {"sub": sub, "scope": scope, "units": units}


def test_a_block_is_charged_and_says_what_is_left(post, alice, model) -> None:
    limit(model, "model:infer", 60)
    answer = post(BLOCKS, want()).json()
    assert answer["granted"] == 3
    assert answer["expires_in_ms"] == 1000
    assert answer["retry_after"] == 0
    assert answer["policies"] == [{"name": "minute", "q": 60, "w": 60, "r": 57, "t": 3}]


def test_no_block_is_larger_than_a_twentieth_of_the_burst(post, alice, model) -> None:
    limit(model, "model:infer", 60)
    assert post(BLOCKS, want(50)).json()["granted"] == 3


def test_what_is_left_is_given_where_it_is_less_than_asked(post, alice, model) -> None:
    limit(model, "model:infer", 62)
    granted = [post(BLOCKS, want(3)).json()["granted"] for _ in range(21)]
    assert granted == [3] * 20 + [2]


@pytest.mark.refusal("RL-03")
def test_an_empty_bucket_gives_nothing_and_the_refusal_costs_nothing(post, alice, model) -> None:
    limit(model, "model:infer", 1)
    assert post(BLOCKS, want(1)).json()["granted"] == 1
    waits = set()
    for _ in range(3):
        answer = post(BLOCKS, want(1)).json()
        assert (answer["granted"], answer["reason"]) == (0, "rate_limited")
        waits.add(answer["retry_after"])
    assert max(waits) <= 60


def test_members_of_a_cluster_get_one_unit_at_a_time_of_one_budget(post, alice, model) -> None:
    limit(model, "model:infer", 60, "account")
    grown("mallory", model)
    cluster = Cluster.objects.create(environment="sandbox", grade="linked", size=2)
    for name in ("alice", "mallory"):
        AccountCluster.objects.create(
            account_id=f"acc_{name}", environment="sandbox", cluster=cluster, changed_at=clock.now()
        )
    first, second = post(BLOCKS, want(9)).json(), post(BLOCKS, want(9, "agent_mallory")).json()
    assert (first["granted"], second["granted"]) == (1, 1)
    assert second["policies"][1]["name"] == "shared"
    assert second["policies"][1]["r"] == 58
    assert cluster.pk not in str(second)


def test_a_stranger_and_a_restricted_agent_get_nothing_with_a_reason(post, alice) -> None:
    assert post(BLOCKS, want(1, "agent_nobody")).json()["reason"] == "unknown"
    type(alice).objects.update(effect=2)
    answer = post(BLOCKS, want(1)).json()
    assert (answer["granted"], answer["reason"]) == (0, "suspended")


@pytest.mark.parametrize(
    "content",
    [{}, {**want(), "units": 0}, {**want(), "units": "3"}, {**want(), "sub": 7}, {**want(), "scope": ""}],
)
def test_a_malformed_request_is_a_problem(post, alice, content) -> None:
    answer = post(BLOCKS, content)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_agent_may_not_take_blocks(post, alice) -> None:
    assert post(BLOCKS, want(), token=token_for("agent_alice")).status_code == 403
