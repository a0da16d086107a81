"""``/v1/agents``: what a developer's tools see and do there, each by their role, nobody at another's account."""

from typing import Any

import pytest

from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.cast import INFER, ISSUER, Actor, Key, hire, open_account
from tests.passport.api.calling import an_agent, problem


class TestRegistering:
    def test_an_agent_is_registered_by_its_public_key(self, alice) -> None:
        key = Key()
        answer = alice("POST", "/v1/agents", an_agent("scout", key))
        said = answer.json()
        assert answer.status_code == 201, said
        assert answer["Location"] == f"{ISSUER}/v1/agents/{said['id']}"
        assert (said["name"], said["environment"], said["state"], said["active_keys"]) == (
            "scout", "sandbox", "active", 1,
        )  # fmt: skip
        agent = Agent.objects.get(client_id=said["id"])
        assert (agent.account_id, agent.created_by) == ("acc_alices", f"user:{alice.person.user.pk}")
        assert AgentKey.objects.get(agent=agent).thumbprint == key.thumbprint

    def test_or_by_where_it_publishes_its_keys(self, alice) -> None:
        body = {**an_agent(), "jwks_uri": "https://keys.example/jwks"}
        body.pop("jwk")
        said = alice("POST", "/v1/agents", body).json()
        assert (said["jwks_uri"], said["active_keys"]) == ("https://keys.example/jwks", 0)

    def test_a_private_key_is_refused_and_not_repeated(self, alice) -> None:
        answer = alice("POST", "/v1/agents", {**an_agent(), "jwk": {**Key().jwk, "d": "c2VjcmV0"}})
        body = problem(answer, 422, "invalid-member")
        assert [fault["pointer"] for fault in body["errors"]] == ["/jwk"]
        assert "c2VjcmV0" not in answer.content.decode()
        assert not Agent.objects.exists()

    def test_a_key_that_another_agent_has_is_refused(self, alice, scout) -> None:
        problem(alice("POST", "/v1/agents", an_agent("thief", scout.key)), 422, "invalid-member")

    @pytest.mark.parametrize(
        ("changed", "pointers"),
        [
            ({"name": ""}, {"/name"}),
            ({"name": None}, {"/name"}),
            ({"name": 7, "purpose": []}, {"/name", "/purpose"}),
            ({"name": "<b>"}, {"/name"}),
            ({"environment": "prod"}, {"/environment"}),
            ({"jwk": "text"}, {"/jwk"}),
            ({"jwks_uri": "http://insecure.example"}, {"/jwks_uri"}),
            ({"jwks_uri": "https://keys.example/"}, {"/jwk"}),
            ({"extra/member": 1}, {"/extra~1member"}),
        ],
    )
    def test_what_is_wrong_is_pointed_at(self, alice, changed, pointers) -> None:
        body = problem(alice("POST", "/v1/agents", {**an_agent(), **changed}), 422, "invalid-member")
        assert pointers <= {fault["pointer"] for fault in body["errors"]}

    @pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"name":1,"name":2}', "NaN", '{"a":"\\ud800"}'])
    def test_what_is_not_one_json_object_is_malformed(self, alice, body) -> None:
        answer = alice("POST", "/v1/agents", body)
        assert answer.status_code in {400, 422}, answer.content

    def test_another_content_type_and_too_long_a_body_are_refused(self, alice) -> None:
        path = "/v1/agents"
        problem(alice("POST", path, "name=x", **{"Content-Type": "text/plain"}), 415, "content-type")
        problem(alice("POST", path, {"name": "x" * 70_000}), 413, "too-long")


class TestReading:
    def test_agents_are_listed_newest_first_in_pages(self, alice, account) -> None:
        ids = [hire(account, f"agent {number}").id for number in range(5)][::-1]
        found, path = [], f"{ISSUER}/v1/agents?limit=2"
        while path:
            page = alice("GET", path.removeprefix(ISSUER)).json()
            found, path = found + [one["id"] for one in page["agents"]], page["next"]
        assert found == ids

    def test_they_are_filtered_by_environment_and_state(self, alice, account, clock) -> None:
        live, paused, closed = (
            hire(account, "live", environment="live"),
            hire(account, "p"),
            hire(account, "c"),
        )
        place(
            [SubjectRef("agent", paused.id, account.pk)],
            effect=Effect.SUSPEND, reason="paused_by_owner", actor="system:tests", now=clock.now(),
        )  # fmt: skip
        alice("DELETE", f"/v1/agents/{closed.id}")

        def ids(query: str) -> list[str]:
            return [one["id"] for one in alice("GET", f"/v1/agents?{query}").json()["agents"]]

        assert ids("environment=live") == [live.id]
        assert ids("state=active") == [live.id]
        assert ids("state=suspended") == [paused.id]
        assert ids("state=closed") == [closed.id]

    @pytest.mark.parametrize("query", ["environment=prod", "state=odd", "limit=0", "limit=x", "limit=101"])
    def test_an_unknown_filter_is_refused(self, alice, query) -> None:
        problem(alice("GET", f"/v1/agents?{query}"), 400, "invalid-request")

    def test_a_list_costs_the_same_however_many(self, alice, account, django_assert_max_num_queries) -> None:
        for number in range(6):
            hire(account, f"agent {number}")
        with django_assert_max_num_queries(22):
            assert len(alice("GET", "/v1/agents").json()["agents"]) == 6


class TestChanging:
    def test_name_purpose_and_software_change_and_the_rest_stays(self, alice) -> None:
        made = alice.registers()
        said = alice("PATCH", f"/v1/agents/{made['id']}", {"name": "Scout II"}).json()
        assert said == {**made, "name": "Scout II"}

    def test_a_change_that_would_lose_anothers_is_refused(self, alice) -> None:
        path = f"/v1/agents/{alice.registers()['id']}"
        tag = alice("GET", path)["ETag"]
        assert alice("PATCH", path, {"name": "first"}, **{"If-Match": tag}).status_code == 200
        problem(alice("PATCH", path, {"name": "second"}, **{"If-Match": tag}), 412, "changed_meanwhile")
        problem(alice("DELETE", path, **{"If-Match": tag}), 412, "changed_meanwhile")
        assert alice("GET", path).json()["name"] == "first"

    def test_a_closed_agent_stays_closed_and_cannot_be_changed(self, alice) -> None:
        path = f"/v1/agents/{alice.registers()['id']}"
        assert alice("DELETE", path).json()["state"] == "closed"
        assert alice("DELETE", path).status_code == 200
        problem(alice("PATCH", path, {"name": "x"}), 409, "agent_closed")
        problem(alice("POST", f"{path}/keys", {"jwk": Key().jwk}), 409, "agent_closed")


class TestKeys:
    def test_the_next_key_is_added_and_the_old_one_retired(self, alice) -> None:
        path = f"/v1/agents/{alice.registers()['id']}/keys"
        new = alice("POST", path, {"jwk": Key().jwk})
        assert (new.status_code, new.json()["state"]) == (201, "active")
        problem(alice("POST", path, {"jwk": Key().jwk}), 409, "too_many_keys")
        old = alice("GET", path).json()["keys"][-1]
        assert alice("POST", f"{path}/{old['id']}/retire").json()["state"] == "retired"
        assert alice("POST", path, {"jwk": Key().jwk}).status_code == 201

    def test_a_stolen_key_is_revoked_for_good(self, alice) -> None:
        path = f"/v1/agents/{alice.registers()['id']}/keys"
        (key,) = alice("GET", path).json()["keys"]
        assert alice("POST", f"{path}/{key['id']}/retire", {"stolen": True}).json()["state"] == "revoked"

    @pytest.mark.parametrize("body", [{}, {"jwk": 1}, {"jwk": {}}, {"jwk": {"kty": "oct", "k": "AA"}}])
    def test_what_is_no_public_key_is_refused(self, alice, body) -> None:
        path = f"/v1/agents/{alice.registers()['id']}/keys"
        problem(alice("POST", path, body), 422, "invalid-member")


class TestGrants:
    def test_an_agent_is_let_reach_scopes_of_a_service(self, alice, model) -> None:
        path = f"/v1/agents/{alice.registers()['id']}/grants"
        assert alice("GET", path).json() == {"grants": [], "next": None}
        said = alice("PUT", f"{path}/{model.pk}", {"scopes": [INFER]}).json()
        assert (said["audience"], said["scopes"]) == (model.audience, [INFER])
        assert len(alice("GET", path).json()["grants"]) == 1
        assert alice("PUT", f"{path}/{model.pk}", {"scopes": []}).json()["scopes"] == []
        assert alice("GET", path).json()["grants"] == []

    def test_offers_say_what_the_account_lacks_and_that_cannot_be_granted(self, alice, model) -> None:
        (offer,) = alice("GET", f"/v1/offers?audience={model.audience}").json()["offers"]
        missing = {scope["name"]: scope["missing"] for scope in offer["scopes"]}
        assert missing[INFER] == []
        assert missing["model:embed"] == ["payment level charged, yours is instrument"]
        path = f"/v1/agents/{alice.registers()['id']}/grants/{model.pk}"
        problem(alice("PUT", path, {"scopes": ["model:embed"]}), 422, "assurance_too_low")
        problem(alice("PUT", path, {"scopes": ["model:fly"]}), 422, "invalid-member")

    def test_a_change_that_would_lose_anothers_is_refused(self, alice, model) -> None:
        path = f"/v1/agents/{alice.registers()['id']}/grants/{model.pk}"
        tag = alice("GET", path)["ETag"]
        alice("PUT", path, {"scopes": [INFER]}, **{"If-Match": tag})
        problem(alice("PUT", path, {"scopes": []}, **{"If-Match": tag}), 412, "changed_meanwhile")


class TestPassports:
    @pytest.fixture
    def held(self, alice, endpoint, model) -> Any:
        key = Key()
        said = alice("POST", "/v1/agents", an_agent("scout", key)).json()
        alice("PUT", f"/v1/agents/{said['id']}/grants/{model.pk}", {"scopes": [INFER]})
        agent = Agent.objects.get(client_id=said["id"])
        actor = Actor(agent, key, agent.account)
        assert endpoint.passport(actor).status_code == 200
        return actor

    def test_they_are_listed_and_one_can_be_revoked_for_good(self, alice, held, endpoint) -> None:
        path = f"/v1/agents/{held.id}/passports"
        (row,) = alice("GET", path).json()["passports"]
        assert (row["state"], row["reason"], row["scopes"]) == ("valid", None, [INFER])
        said = alice("POST", f"{path}/{row['jti']}/revoke").json()
        assert (said["state"], said["reason"], said["restricted"]) == (
            "revoked",
            "holder_request",
            "passport",
        )
        assert alice("POST", f"{path}/{row['jti']}/revoke").status_code == 200
        assert Passport.objects.get().effect == Effect.REVOKE

    def test_the_state_says_what_covers_it_and_why(self, alice, held, account, clock) -> None:
        place(
            [SubjectRef("account", account.pk, account.pk)], effect=Effect.SUSPEND, environment="sandbox",
            reason="chargeback", actor="system:tests", now=clock.now(),
        )  # fmt: skip
        (row,) = alice("GET", f"/v1/agents/{held.id}/passports").json()["passports"]
        assert (row["state"], row["reason"], row["restricted"]) == ("suspended", "chargeback", "account")

    def test_an_unknown_one_is_not_found(self, alice, held) -> None:
        problem(alice("POST", f"/v1/agents/{held.id}/passports/pp_none/revoke"), 404, "http-404")


PATHS = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/keys"), ("POST", "/keys"), ("GET", "/grants"),
    ("POST", "/keys/key_1/retire"), ("PUT", "/grants/svc_1"), ("GET", "/passports"),
    ("POST", "/passports/pp_1/revoke"),
]  # fmt: skip


def test_a_strangers_agent_does_not_exist(enter, alice) -> None:
    agent_id = alice.registers()["id"]
    carol = enter("carol", "owner", of=open_account("carols"))
    assert carol("GET", "/v1/agents").json()["agents"] == []
    for method, path in PATHS:
        body = None if method in {"GET", "DELETE"} else {}
        problem(carol(method, f"/v1/agents/{agent_id}{path}", body), 404, "http-404")
    assert Agent.objects.get(client_id=agent_id).state == "active"


def test_a_viewer_reads_and_changes_nothing(enter, alice) -> None:
    agent_id = alice.registers()["id"]
    vera = enter("vera", "viewer")
    assert vera("GET", f"/v1/agents/{agent_id}").status_code == 200
    problem(vera("POST", "/v1/agents", an_agent()), 403, "role")
    for method, path in PATHS:
        if method != "GET":
            problem(vera(method, f"/v1/agents/{agent_id}{path}", {}), 403, "role")


def test_a_suspended_environment_takes_no_changes(alice, account, clock) -> None:
    path = f"/v1/agents/{alice.registers()['id']}"
    place(
        [SubjectRef("account", account.pk, account.pk)], effect=Effect.SUSPEND, environment="sandbox",
        reason="chargeback", actor="system:tests", now=clock.now(),
    )  # fmt: skip
    assert alice("GET", path).json()["state"] == "suspended"
    problem(alice("PATCH", path, {"name": "x"}), 403, "account_suspended")
    problem(alice("POST", "/v1/agents", an_agent()), 403, "account_suspended")
    assert alice("POST", "/v1/agents", {**an_agent(), "environment": "live"}).status_code == 201
