"""POST /v1/usage through the door that services use."""

import base64

import pytest

from passport.credentials.records import record_issued
from passport.services.models import AgentGrant, Service
from passport.usage.models import UsageLine, UsageReport
from passport.usage.wire import MAX_BYTES
from tests.cast import EMBED, ISSUER, hire, open_account, open_service
from tests.passport.population import key, passport, signing_key
from tests.passport.usage.conftest import NOON, Reporting, item

SKETCH = base64.urlsafe_b64encode(bytes(256)).rstrip(b"=").decode()


def pointers(response) -> list[str]:
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    return [fault["pointer"] for fault in response.json()["errors"]]


def test_a_report_is_kept_and_answered_with_what_was_taken(model, scout) -> None:
    answer = model.usage(item(scout.id, units=3, outcomes={"allowed": 2, "over_limit": 1}))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.json() == {"id": "report-1", "accepted": 1, "unknown": []}
    line = UsageLine.objects.get()
    assert (line.agent, line.account_id, line.service_id) == (scout.id, "acc_alice", model.service.pk)
    assert (line.minute, line.units, line.allowed, line.over_limit, line.failed) == (NOON, 3, 2, 1, 0)


def test_the_same_report_again_is_answered_the_same_and_counts_once(model, scout, stranger) -> None:
    items = item(scout.id), item(stranger.id)
    first, second = model.usage(*items), model.usage(*items)
    assert first.json() == second.json() == {"id": "report-1", "accepted": 1, "unknown": [1]}
    assert UsageLine.objects.count() == UsageReport.objects.count() == 1


def test_another_report_under_a_used_id_is_refused_and_nothing_of_it_is_taken(model, scout) -> None:
    model.usage(item(scout.id))
    answer = model.usage(item(scout.id, units=9))
    assert (answer.status_code, answer.json()["type"]) == (409, f"{ISSUER}/docs/errors#report-id-in-use")
    assert UsageLine.objects.get().units == 1


def test_two_services_may_choose_the_same_id(model, scout, client) -> None:
    other, _ = open_service("https://search.example", issuer_scopes=["usage.write", "reports.write"])
    AgentGrant.objects.create(agent=scout.agent, service=other, scopes="model:infer")
    assert model.usage(item(scout.id)).status_code == 200
    assert Reporting(client, other).usage(item(scout.id)).json()["accepted"] == 1


def test_an_agent_that_exists_elsewhere_is_answered_as_one_that_exists_nowhere(model, stranger) -> None:
    answers = [
        model.usage(item(name), id=f"report-{name[:9]}").json() for name in (stranger.id, "agent_nobody")
    ]
    assert [(answer["accepted"], answer["unknown"]) for answer in answers] == [(0, [0]), (0, [0])]
    assert not UsageLine.objects.exists()


def test_what_was_used_before_access_was_taken_away_still_counts(model, scout) -> None:
    at = str(int(NOON.timestamp()) - 60)
    record_issued([{
        "jti": "at_1", "root": "pp_1", "account_id": "acc_alice", "agent": scout.id, "scopes": "model:infer",
        "audience": model.service.audience, "issued_at": at, "expires_at": at,
    }])  # fmt: skip
    AgentGrant.objects.all().delete()
    assert model.usage(item(scout.id)).json()["accepted"] == 1


def test_the_network_is_kept_as_a_keyed_hash_only(model, scout) -> None:
    model.usage(item(scout.id, prefix="203.0.113.0/24", asn=64500, sketch=SKETCH))
    line = UsageLine.objects.get()
    assert (len(bytes(line.network)), b"203" in bytes(line.network), line.asn) == (32, False, 64500)
    assert bytes(line.sketch) == bytes(256)


def test_the_credential_is_the_passport_that_the_status_of_the_token_names(model, scout) -> None:
    signing_key()
    held = passport(scout.agent, key(scout.agent), jti="pp_scout")
    place = {"uri": f"{ISSUER}/status/{held.status_list_id}", "idx": held.status_index}
    model.usage(item(scout.id, credential=place))
    assert UsageLine.objects.get().root == "pp_scout"


def test_a_service_cannot_name_the_credential_of_another_account(model, scout, stranger) -> None:
    signing_key()
    held = passport(stranger.agent, key(stranger.agent), jti="pp_stranger")
    place = {"uri": f"{ISSUER}/status/{held.status_list_id}", "idx": held.status_index}
    model.usage(item(scout.id, credential=place))
    assert UsageLine.objects.get().root == ""


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"units": -1}, "#/items/1/units"), ({"units": True}, "#/items/1/units"),
        ({"units": 1.0}, "#/items/1/units"), ({"minute": 61}, "#/items/1/minute"),
        ({"minute": 0}, "#/items/1/minute"), ({"minute": 6 * 10**10}, "#/items/1/minute"),
        ({"scope": "a b"}, "#/items/1/scope"), ({"scope": "x" * 65}, "#/items/1/scope"),
        ({"agent": ""}, "#/items/1/agent"), ({"agent": 7}, "#/items/1/agent"),
        ({"outcomes": {}, "units": 0}, "#/items/1/outcomes"), ({"outcomes": {"lost": 1}}, "#/items/1/outcomes/lost"),
        ({"outcomes": {"a/b~": 1}}, "#/items/1/outcomes/a~1b~0"),
        ({"outcomes": {"allowed": 10**9 + 1}}, "#/items/1/outcomes/allowed"),
        ({"prefix": "203.0.113.9"}, "#/items/1/prefix"), ({"prefix": "203.0.113.9/32"}, "#/items/1/prefix"),
        ({"prefix": "2001:db8::/32"}, "#/items/1/prefix"), ({"prefix": "203.0.113.9/24"}, "#/items/1/prefix"),
        ({"asn": 0}, "#/items/1/asn"), ({"sketch": "AA"}, "#/items/1/sketch"),
        ({"sketch": "what is the"}, "#/items/1/sketch"), ({"credential": {"idx": 1}}, "#/items/1/credential"),
        ({"credential": {"uri": "x", "idx": -1}}, "#/items/1/credential/idx"),
        ({"prompt": "hello"}, "#/items/1/prompt"),
    ],
)  # fmt: skip
def test_a_bad_item_is_named_by_its_path_and_nothing_is_taken(model, scout, wrong, pointer) -> None:
    assert pointers(model.usage(item(scout.id), item(scout.id, **wrong))) == [pointer]
    assert not UsageReport.objects.exists()


def test_every_bad_item_is_named(model, scout) -> None:
    answer = model.usage(item(scout.id, units=-1), item(scout.id), {"agent": scout.id}, 7, id="short")
    assert pointers(answer) == ["#/id", "#/items/0/units", "#/items/2", "#/items/3"]


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"id":"report-1","id":"report-1"}', b"\xff", b"[" * 9000]
)
def test_what_cannot_be_read_is_refused(model, raw) -> None:
    assert model.usage(raw=raw).status_code == 400


def test_a_report_that_is_too_long_is_refused(model) -> None:
    answer = model.usage(raw=b" " * (MAX_BYTES + 1))
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


def test_too_many_items_are_refused(model, scout) -> None:
    assert pointers(model.usage(*[item(scout.id)] * 2001)) == ["#/items"]


def test_a_token_without_the_scope_is_refused(model, scout) -> None:
    answer = model.usage(item(scout.id), token=model.token(scope="reports.write"))
    assert (answer.status_code, 'scope="usage.write"' in answer["WWW-Authenticate"]) == (403, True)


def test_the_scope_taken_away_from_the_service_counts_at_once(model, scout) -> None:
    Service.objects.update(issuer_scopes="events.read")
    assert model.usage(item(scout.id)).status_code == 403


def test_an_agents_own_token_is_refused(model, scout) -> None:
    token = model.token(sub=scout.id, client_id=scout.id)
    assert model.usage(item(scout.id), token=token).status_code == 403


def test_nobody_is_refused_with_a_challenge(model) -> None:
    answer = model.client.post("/v1/usage", b"{}", content_type="application/json")
    assert (answer.status_code, 'scope="usage.write"' in answer["WWW-Authenticate"]) == (401, True)


def test_a_large_report_takes_no_more_queries_than_a_small_one(
    model, scout, django_assert_max_num_queries
) -> None:
    agents = [hire(open_account(f"a{n}"), f"a{n}") for n in range(3)]
    for agent in agents:
        AgentGrant.objects.create(agent=agent.agent, service=model.service, scopes=EMBED)
    with django_assert_max_num_queries(14):
        answer = model.usage(*[item(agent.id) for agent in agents for _ in range(120)])
    assert answer.json()["accepted"] == 360
