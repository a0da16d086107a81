"""POST /access/v1/evaluation and /evaluations (STANDARDS section 16)."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation import clock
from passport.admission.models import AdmissionMode
from passport.decisions import authzen
from passport.fields import Effect
from passport.limits.models import LimitPolicy
from passport.restrictions.models import AccountState
from passport.services.registration import set_grant
from tests.passport.decisions.conftest import grown, limit, question, service, token_for
from tests.passport.population import agent

ONE, MANY = "/access/v1/evaluation", "/access/v1/evaluations"


def test_what_is_granted_and_within_limits_is_permitted(post, alice) -> None:
    assert post(ONE, question()).json() == {"decision": True}


def test_each_permission_is_charged_to_the_agent(post, alice, model) -> None:
    limit(model, "model:infer", 5)
    left = [post(ONE, question(context={"cost": 2})).json()["context"]["policies"][0]["r"] for _ in range(2)]
    assert left == [3, 1]


@pytest.mark.refusal("AZ-06")
def test_over_the_limit_is_denied_with_the_wait_and_charges_nothing(post, alice, model) -> None:
    limit(model, "model:infer", 5)
    limit(model, "model:infer", 3, "account", "day")
    answer = post(ONE, question(context={"cost": 4})).json()
    assert answer["decision"] is False
    assert answer["context"]["reason"] == "rate_limited"
    assert answer["context"]["policy"] == "day"
    assert answer["context"]["retry_after"] > 0
    assert [policy["r"] for policy in answer["context"]["policies"]] == [5, 3]


def test_model_tokens_are_charged_where_they_are_named_and_cost_units_beside_them(post, alice, model) -> None:
    limit(model, "model:infer", 5)
    limit(model, "model:infer", 1000, "account", "tokens")
    LimitPolicy.objects.filter(name="tokens").update(unit="model-tokens")
    asked = [
        post(ONE, question(context=context)).json() for context in ({"tokens": 600}, {}, {"tokens": 600})
    ]
    assert [answer["decision"] for answer in asked] == [True, True, False]
    assert asked[2]["context"]["policy"] == "tokens"
    assert [policy["r"] for policy in asked[2]["context"]["policies"]] == [3, 400]


def test_two_agents_of_one_account_share_the_accounts_limit_and_a_stranger_does_not(
    post, alice, model
) -> None:
    limit(model, "model:infer", 3, "account")
    second = agent(alice.account, "second")
    set_grant(second, model, ["model:infer"], actor="system:test", now=clock.now())
    grown("carol", model)
    assert post(ONE, question(context={"cost": 3})).json()["decision"]
    assert not post(ONE, question("agent_second")).json()["decision"]
    assert post(ONE, question("agent_carol", context={"cost": 3})).json()["decision"]


BROKEN = [
    {},
    {"subject": None},
    {"subject": {"type": "agent"}},
    {"subject": {"id": "agent_alice"}},
    {"action": {}},
    {"action": {"name": 7}},
    {"resource": {"type": "service"}},
    {"resource": {"id": "x", "type": ""}},
    {"context": []},
    {"context": {"cost": 0}},
    {"context": {"cost": True}},
    {"context": {"cost": 1.5}},
    {"context": {"tokens": -1}},
    {"context": {"tokens": "600"}},
]


@pytest.mark.refusal("AZ-01")
def test_a_request_with_something_missing_or_of_the_wrong_kind_is_400(post, alice) -> None:
    for broken in BROKEN:
        content = {**question(), **broken} if broken else {}
        answer = post(ONE, content)
        assert answer.status_code == 400, broken
        assert isinstance(answer.json(), str)
        item = post(MANY, {"evaluations": [content, question()]}).json()["evaluations"]
        assert item[0]["decision"] is False
        assert item[0]["context"]["error"]["status"] == 400
        assert item[1]["decision"] is True
    for raw in (b"", b"[]", b"{", b'{"subject":1,"subject":1}', b"\xff", b"[" * 50_000):
        assert post(ONE, raw=raw).status_code == 400
    unknown = {"evaluations": [question()], "options": {"evaluations_semantic": "whichever"}}
    assert post(MANY, unknown).status_code == 400


def suspend_account(name: str, effect=Effect.SUSPEND) -> None:
    AccountState.objects.update_or_create(account_id=f"acc_{name}", defaults={"effect": effect})


@pytest.mark.refusal("AZ-02")
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda agent: suspend_account("alice"), "suspended"),
        (lambda agent: suspend_account("alice", Effect.REVOKE), "revoked"),
        (lambda agent: type(agent).objects.update(effect=Effect.SUSPEND), "suspended"),
        (lambda agent: type(agent).objects.update(state="closed"), "revoked"),
        (lambda agent: agent.grants.update(scopes="model:embed"), "scope"),
    ],
)
def test_a_denial_is_an_answer_with_its_reason(post, alice, harm, reason) -> None:
    harm(alice)
    answer = post(ONE, question())
    assert answer.status_code == 200
    assert answer.json() == {"decision": False, "context": {"reason": reason}}


@pytest.mark.refusal("AZ-03")
def test_what_is_not_the_callers_own_is_unknown_in_one_and_the_same_way(post, alice, model) -> None:
    other = service("https://other.example")
    grown("carol", other)
    unknown = {"decision": False, "context": {"reason": "unknown"}}
    suspend_account("carol")
    for asked in (
        question("agent_nobody"),
        question("agent_carol"),
        question("agent_carol", audience="https://other.example"),
        question(audience="https://nowhere.example"),
        question(subject={"type": "user", "id": "agent_alice"}),
        question(resource={"type": "file", "id": "https://model.example"}),
    ):
        assert post(ONE, asked).json() == unknown


@pytest.mark.refusal("AZ-04")
def test_who_is_nobody_is_401_and_who_is_no_service_is_403(post, alice, model) -> None:
    for token in ("", "x.y.z", token_for(model.pk, exp=1), token_for(model.pk, aud="https://model.example"),
                  token_for(model.pk, cnf={"jkt": "x"}), token_for(model.pk, iss="https://evil.example")):  # fmt: skip
        answer = post(ONE, question(), token=token)
        assert answer.status_code == 401
        assert isinstance(answer.json(), str)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    for token in (token_for("agent_alice"), token_for("svc_gone"), token_for(model.pk, scope="events.read")):
        assert post(ONE, question(), token=token).status_code == 403


def test_a_service_that_was_disabled_learns_nothing_more(post, alice, model) -> None:
    type(model).objects.update(enabled=False)
    assert post(ONE, question()).json()["context"] == {"reason": "unknown"}


@pytest.mark.shows("AZ-05")
def test_where_the_state_cannot_be_reached_the_answer_is_no(post, alice, model) -> None:
    limit(model, "model:infer", 5)
    AdmissionMode.objects.update(mode="nowhere")
    answer = post(ONE, question())
    assert answer.status_code == 200
    assert answer.json()["decision"] is False
    assert answer.json()["context"]["reason"] == "unavailable"


@pytest.mark.refusal("AZ-07")
def test_more_than_a_hundred_items_or_64_kib_is_refused(post, alice) -> None:
    assert post(MANY, {"evaluations": [question()] * 100}).status_code == 200
    assert post(MANY, {"evaluations": [question()] * 101}).status_code == 400
    assert post(MANY, raw=b" " * (64 * 1024 + 1)).status_code == 413
    assert post(ONE, raw=b" " * (2 * 1024 * 1024)).status_code == 413


@pytest.mark.refusal("AZ-08")
def test_an_empty_batch_is_a_single_request_and_unknown_members_are_ignored(post, alice) -> None:
    assert post(MANY, question(evaluations=[], mood="good")).json() == {"decision": True}
    assert post(MANY, question()).json() == {"decision": True}


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_ends_where_its_semantic_says(post, alice, semantic, decisions) -> None:
    asked = {
        **question(),
        "evaluations": [{}, {"action": {"name": "model:train"}}, {"action": {"name": "model:embed"}}],
        "options": {"evaluations_semantic": semantic},
    }
    answers = post(MANY, asked).json()["evaluations"]
    assert [answer["decision"] for answer in answers] == decisions


def test_the_request_id_is_echoed(post, alice) -> None:
    assert post(ONE, question(), **{"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"


def test_a_decision_reads_the_database_once(post, alice, model) -> None:
    limit(model, "model:infer", 5)
    post(ONE, question())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(ONE, question()).json()["decision"]
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 1


@pytest.mark.refusal("RL-04")
def test_metadata_is_free(client) -> None:
    """No database in this test: any query would fail it."""
    answers = [client.get("/.well-known/authzen-configuration") for _ in range(200)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json()["access_evaluation_endpoint"] == "https://passport.test/access/v1/evaluation"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
shaped = st.dictionaries(
    st.sampled_from(["subject", "action", "resource", "context", "evaluations", "options"]),
    st.dictionaries(st.sampled_from(["id", "type", "name", "cost", "evaluations_semantic"]), json_values)
    | st.lists(json_values, max_size=3)
    | json_values,
)


@given(shaped | json_values)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_read_or_refused(value) -> None:
    raw = json.dumps(value).encode("utf-8", "replace")
    try:
        content = authzen.read_body(raw)
        batch = authzen.read_batch(content)
        if batch is None:
            authzen.read_question(content)
        else:
            list(authzen.answer_batch(batch, lambda question: authzen.Decision(units=1)))
    except authzen.BadRequest:
        pass
