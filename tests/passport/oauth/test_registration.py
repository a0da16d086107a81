"""Clients that register themselves: RFC 7591 and RFC 7592 through the doors."""

import json
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client

from accounts.linkage.models import Signal
from attestation.evidence.models import AccountLevel
from foundation import clock
from passport.agents import open_clients
from passport.agents.clients import find_client
from passport.agents.models import Agent, AgentKey, OpenClient
from passport.agents.tokens import make_initial_token
from passport.consents.give import Wanted, give
from passport.consents.unused import end_unused
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.conftest import begin_admission
from tests.passport.crafting import ALICE, ED, MALLORY, P384
from tests.passport.oauth.asking import ISSUER, MODEL, Door, agent_of, assertion, refused, signed_in
from tests.passport.population import account
from tests.people import person

PATH = "/oauth/register"
CALLBACK = "https://reader.example/callback"


@pytest.fixture(autouse=True)
def fresh_limits(ready: None) -> None:
    """What other tests registered from this address does not count."""
    begin_admission(clock.now() - timedelta(hours=1))


@pytest.fixture
def owner() -> Any:
    """Alice's account, proven as far as a passport needs."""
    alice = account("alice")
    AccountLevel.objects.create(
        account=alice, environment="sandbox", identity="document", payment="instrument"
    )
    return alice


@pytest.fixture
def initial(owner: Any) -> str:
    return make_initial_token(owner.id, "sandbox", actor="user:usr_alice", now=clock.now())


def send(method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().generic(
        method,
        path,
        "" if body is None else content,
        content_type="application/json",
        headers={**sent, **headers},
    )


def register(body: Any, token: str | None = None, **headers: str) -> Any:
    return send("POST", PATH, body, token, **headers)


def reader(**more: Any) -> dict[str, Any]:
    said = {
        "client_name": "Reader",
        "jwks": {"keys": [ALICE.jwk]},
        "token_endpoint_auth_method": "private_key_jwt",
        **more,
    }
    return {name: value for name, value in said.items() if value is not None}


def helper(**more: Any) -> dict[str, Any]:
    """What an MCP client says of itself."""
    return {
        "client_name": "Helper",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        **more,
    }


def manage(answer: Any, method: str, body: Any = None, token: str | None = None) -> Any:
    said = answer.json()
    path = said["registration_client_uri"].removeprefix(ISSUER)
    return send(method, path, body, token if token is not None else said["registration_access_token"])


class TestWithAnInitialToken:
    def test_an_agent_of_that_account_is_made_and_authenticates(self, initial: str, owner: Any) -> None:
        answer = register(
            reader(contacts=["ops@reader.example"], software_id="reader", redirect_uris=[CALLBACK]), initial
        )
        said = answer.json()
        assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
        assert not [name for name in said if "secret" in name]
        assert said["client_id"].startswith("agent_")
        assert said["contacts"] == ["ops@reader.example"]
        assert said["redirect_uris"] == [CALLBACK]
        assert said["jwks"]["keys"][0]["x"] == ALICE.jwk["x"]
        assert Agent.objects.get(client_id=said["client_id"]).account_id == owner.id
        form = signed_in(assertion(said["client_id"]), grant_type="client_credentials")
        refused(Door("/oauth/token").post(form), 400, "invalid_target")

    def test_a_grant_that_it_did_not_register_for_is_refused(self, initial: str) -> None:
        said = register(reader(redirect_uris=[CALLBACK], grant_types=["authorization_code"]), initial).json()
        assert said["response_types"] == ["code"]
        form = signed_in(assertion(said["client_id"]), grant_type="client_credentials")
        refused(Door("/oauth/token").post(form), 400, "unauthorized_client")

    def test_several_keys_may_be_registered_at_once(self, initial: str) -> None:
        said = register(
            reader(jwks={"keys": [ALICE.jwk, {**ED.jwk, "kid": "next"}, P384.jwk]}), initial
        ).json()
        assert [key["kid"] for key in said["jwks"]["keys"]] == [ALICE.thumbprint, "next", P384.thumbprint]

    def test_of_two_at_once_one_uses_the_token(self, transactional_db: None, initial: str) -> None:
        barrier, statuses = Barrier(2), []

        def ask(key: Any) -> None:
            barrier.wait()
            statuses.append(register(reader(jwks={"keys": [key.jwk]}), initial).status_code)
            connections.close_all()

        askers = [Thread(target=ask, args=(key,)) for key in (ALICE, MALLORY)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert sorted(statuses) == [201, 401]

    def test_a_refusal_leaves_it_good(self, initial: str) -> None:
        refused(register(reader(jwks={"keys": []}), initial), 400, "invalid_client_metadata")
        assert register(reader(), initial).status_code == 201


@pytest.mark.refusal("DCR-01")
def test_an_initial_token_that_is_used_forged_or_old_is_refused(
    initial: str, owner: Any, monkeypatch: Any
) -> None:
    assert register(reader(), initial).status_code == 201
    late = make_initial_token(
        owner.id, "sandbox", actor="user:usr_alice", now=clock.now() - timedelta(minutes=61)
    )
    for token in (initial, late, "iat_forged", "x" * 300, ""):
        answer = register(reader(jwks={"keys": [MALLORY.jwk]}), token)
        refused(answer, 401, "invalid_token")
        assert answer["WWW-Authenticate"].startswith("Bearer ")
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_an_address_that_tries_tokens_is_slowed_down_and_good_ones_still_pass(initial: str) -> None:
    statuses = [register(reader(), f"iat_guess{number}").status_code for number in range(61)]
    assert (statuses.count(401), statuses[-1]) == (60, 429)
    assert register(reader(), initial).status_code == 201


class TestWithoutOne:
    def test_a_public_client_is_registered_that_acts_for_people_alone(self) -> None:
        answer = register(helper())
        said = answer.json()
        assert answer.status_code == 201
        assert said["client_id"].startswith("client_")
        assert said["grant_types"] == ["authorization_code", "refresh_token"]
        assert said["token_endpoint_auth_method"] == "none"
        client = find_client(said["client_id"])
        assert client is not None
        assert (client.kind, client.account_id) == ("open", None)
        assert client.may_redirect_to("http://127.0.0.1:40123/callback")

    @pytest.mark.shows("DCR-01")
    def test_it_gets_neither_passport_nor_token_of_its_own(self) -> None:
        client_id = register(helper()).json()["client_id"]
        form = {"grant_type": "client_credentials", "client_id": client_id}
        refused(Door("/oauth/token").post(form), 400, "unauthorized_client")

    @pytest.mark.shows("DCR-01")
    @pytest.mark.parametrize(
        "more",
        [
            {"grant_types": ["client_credentials"]},
            {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]},
            {"jwks": {"keys": [ALICE.jwk]}},
            {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [ALICE.jwk]}},
            {"redirect_uris": []},
        ],
    )
    def test_nothing_more_than_the_code_grant_is_registered(self, more: dict[str, Any]) -> None:
        assert register(helper(**more)).status_code == 400
        assert not OpenClient.objects.exists()

    @pytest.mark.shows("DCR-01")
    def test_where_the_operator_wants_none_it_is_refused(self, settings: Any) -> None:
        settings.OPEN_REGISTRATION = False
        answer = register(helper())
        refused(answer, 401, "invalid_token")
        assert answer["WWW-Authenticate"].startswith("Bearer ")
        assert "error" not in answer["WWW-Authenticate"]

    @pytest.mark.shows("DCR-01")
    def test_one_address_registers_only_so_many(self) -> None:
        statuses = [register(helper()).status_code for _ in range(21)]
        assert (statuses.count(201), statuses[-1]) == (20, 429)

    @pytest.mark.shows("DCR-01")
    def test_only_so_many_may_wait_unused(self, settings: Any) -> None:
        settings.OPEN_CLIENTS_MOST = 1
        register(helper())
        answer = register(helper())
        refused(answer, 429, "temporarily_unavailable")
        assert int(answer["Retry-After"]) > 0

    @pytest.mark.shows("DCR-01")
    def test_one_that_nobody_used_ends_after_a_day(self) -> None:
        unused, used = register(helper()).json(), register(helper()).json()
        consented_to(used["client_id"])
        end_unused()
        assert open_clients.sweep_unused(clock.now() + timedelta(hours=23)) == 0
        assert open_clients.sweep_unused(clock.now() + timedelta(hours=25)) == 1
        assert find_client(unused["client_id"]) is None
        assert find_client(used["client_id"]) is not None
        answer = send("GET", f"{PATH}/{unused['client_id']}", token=unused["registration_access_token"])
        refused(answer, 401, "invalid_token")


def consented_to(client_id: str) -> None:
    client = find_client(client_id)
    assert client is not None
    with transaction.atomic():
        give(
            person("alice@example.com").pk,
            Wanted(client, [MODEL], frozenset({"model:infer"})),
            now=clock.now(),
        )


def private(key: Any) -> dict[str, str]:
    return {**key.jwk, "d": "x" * 43}


def test_what_is_null_or_an_empty_address_counts_as_omitted() -> None:
    answer = register(helper(jwks=None, scope=None, logo_uri="", client_uri=None, grant_types=None))
    assert answer.status_code == 201
    assert not {"jwks", "scope", "logo_uri", "client_uri"} & answer.json().keys()


@pytest.mark.refusal("DCR-02")
@pytest.mark.parametrize(
    "more",
    [
        {"jwks_uri": "https://reader.example/jwks.json"},
        {"jwks": {"keys": [private(ALICE)]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [{"kty": "RSA", "n": "sXch", "e": "AQAB"}]}},
        {"jwks": {"keys": [{**ALICE.jwk, "kid": str(number)} for number in range(11)]}},
        {"jwks": {"keys": [ALICE.jwk, ALICE.jwk]}},
        {"jwks": {"keys": [{**ALICE.jwk, "kid": "1"}, {**ED.jwk, "kid": "1"}]}},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{**ALICE.jwk, "x": ALICE.jwk["y"]}]}},
        {"jwks": [ALICE.jwk]},
        {"jwks": "{}"},
        {"jwks": None},
        {"jwks": None, "jwks_uri": "http://reader.example/jwks.json"},
        {"jwks": None, "jwks_uri": "https://user@reader.example/jwks.json"},
    ],
)
def test_keys_that_are_doubled_private_weak_or_too_many_are_refused(
    initial: str, more: dict[str, Any]
) -> None:
    refused(register(reader(**more), initial), 400, "invalid_client_metadata")
    assert not AgentKey.objects.exists()


@pytest.mark.refusal("DCR-03")
def test_a_key_that_another_agent_has_is_refused_and_noted(initial: str, owner: Any) -> None:
    agent_of("carol", ALICE)
    refused(register(reader(), initial), 400, "invalid_client_metadata")
    seen = Signal.objects.filter(kind="key_thumbprint").values_list("account_id", flat=True)
    assert set(seen) == {owner.id, "acc_carol"}
    assert not Agent.objects.filter(account=owner).exists()


@pytest.mark.refusal("DCR-04")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "http://reader.example/cb", "https://*.reader.example/cb",
        "https://reader.example/cb#x", "https://user@reader.example/cb", "/cb", "", "https:///cb", "file:///etc/passwd",
        "https://reader.example/\ncb", "vbscript:x", "http://localhost.evil.example/cb", "http://127.0.0.1@evil.example/",
    ],
)  # fmt: skip
def test_an_address_to_return_to_that_is_not_safe_is_refused(uri: str, initial: str) -> None:
    refused(register(reader(redirect_uris=[CALLBACK, uri]), initial), 400, "invalid_redirect_uri")
    refused(register(helper(redirect_uris=[uri])), 400, "invalid_redirect_uri")


@pytest.mark.refusal("DCR-05")
@pytest.mark.parametrize(
    "more",
    [
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"grant_types": ["password"]},
        {"grant_types": ["implicit"]},
        {"grant_types": ["authorization_code", "implicit"]},
        {"response_types": ["token"]},
        {"response_types": ["code", "code token"]},
        {"client_secret": "s"},
        {"client_secret_expires_at": 0},
    ],
)
def test_secrets_implicit_and_password_grants_are_refused(more: dict[str, Any], initial: str) -> None:
    refused(register(helper(**more)), 400, "invalid_client_metadata")
    body = {**reader(redirect_uris=[CALLBACK]), **more}
    refused(register(body, initial), 400, "invalid_client_metadata")


@pytest.mark.refusal("DCR-06")
def test_a_software_statement_is_refused(initial: str) -> None:
    refused(register(reader(software_statement="e30.e30.x"), initial), 400, "unapproved_software_statement")
    refused(register(helper(software_statement="e30.e30.x")), 400, "unapproved_software_statement")


class TestTheAccount:
    @pytest.mark.refusal("DCR-07")
    @pytest.mark.parametrize("lacking", ["suspended", "unverified", "over quota", "closed"])
    def test_one_that_is_suspended_unverified_or_over_its_quota_registers_nothing(
        self, initial: str, owner: Any, settings: Any, lacking: str
    ) -> None:
        if lacking == "suspended":
            subject = SubjectRef("account", owner.id, owner.id)
            place([subject], effect=Effect.SUSPEND, reason="abuse", actor="user:usr_staff", now=clock.now())
        elif lacking == "unverified":
            AccountLevel.objects.update(identity="email")
        elif lacking == "over quota":
            settings.AGENTS_MOST = 0
        else:
            type(owner).objects.update(state="closed")
        refused(register(reader(), initial), 403, "access_denied")
        assert not Agent.objects.exists()


class TestTheRegistration:
    def test_is_read_changed_and_ended_by_its_token(self, initial: str) -> None:
        made = register(reader(), initial)
        assert manage(made, "GET").json() == made.json()
        body = {
            **reader(client_name="Reader 2", jwks={"keys": [ED.jwk]}),
            "client_id": made.json()["client_id"],
        }
        changed = manage(made, "PUT", body)
        assert (changed.status_code, changed.json()["client_name"]) == (200, "Reader 2")
        assert [key["kid"] for key in changed.json()["jwks"]["keys"]] == [ED.thumbprint]
        assert AgentKey.objects.get(thumbprint=ALICE.thumbprint).retired_at is not None
        assert manage(made, "DELETE").status_code == 204
        assert Agent.objects.get().state == "closed"

    def test_a_change_leaves_nothing_of_what_was_registered_before(self, initial: str) -> None:
        made = register(reader(client_uri="https://reader.example/", scope="model:infer"), initial)
        changed = manage(made, "PUT", {**reader(), "client_id": made.json()["client_id"]}).json()
        assert not {"client_uri", "scope"} & changed.keys()

    def test_of_an_open_client_as_well(self) -> None:
        made = register(helper())
        changed = manage(made, "PUT", helper(client_name="Helper 2", client_id=made.json()["client_id"]))
        assert changed.json()["client_name"] == "Helper 2"
        assert manage(made, "DELETE").status_code == 204
        assert find_client(made.json()["client_id"]) is None

    @pytest.mark.refusal("DCR-08")
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_a_token_of_another_client_or_of_a_deleted_one_is_refused(self, method: str) -> None:
        one, other = register(helper()), register(helper())
        body = helper(client_id=one.json()["client_id"]) if method == "PUT" else None
        token = other.json()["registration_access_token"]
        refused(manage(one, method, body, token), 403, "access_denied")
        assert manage(other, "DELETE").status_code == 204
        refused(manage(one, method, body, token), 401, "invalid_token")
        refused(manage(other, method, body), 401, "invalid_token")
        for forged in ("rat_forged", "", one.json()["client_id"]):
            answer = manage(one, method, body, forged)
            refused(answer, 401, "invalid_token")
            assert answer["WWW-Authenticate"].startswith("Bearer ")

    @pytest.mark.refusal("DCR-09")
    @pytest.mark.parametrize(
        "more",
        [
            {"client_id": "client_other"},
            {"client_id": None},
            {"client_secret": "s"},
            {"client_secret_expires_at": 0},
            {"registration_access_token": "rat_x"},
            {"registration_client_uri": "https://evil.example/"},
            {"client_id_issued_at": 1},
        ],
    )
    def test_a_change_of_what_the_server_sets_is_refused(self, more: dict[str, Any]) -> None:
        made = register(helper())
        body = helper(client_id=made.json()["client_id"], client_name="Changed") | more
        refused(manage(made, "PUT", body), 400, "invalid_client_metadata")
        assert manage(made, "GET").json()["client_name"] == "Helper"


@pytest.mark.refusal("DCR-10")
@pytest.mark.parametrize(
    "name",
    ["<b>Bank</b>", "Bank\u202egro.knab", "Bank\u0000", "Bank\nof us", "Bank\u200b", "x" * 81, "\ud800"],
)
@pytest.mark.parametrize("member", ["client_name", "software_id", "software_version"])
def test_names_that_could_deceive_are_refused(name: str, member: str) -> None:
    long_enough = name * 2 if name.startswith("x") else name
    refused(register(helper(**{member: long_enough})), 400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{",
        b'{"client_name":"a","client_name":"b"}',
        b"\xff",
        b"[" * 5000,
        b'{"a":1e999}',
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    refused(register(body), 400, "invalid_client_metadata")


def test_another_content_type_is_refused() -> None:
    answer = Client().post(PATH, "client_name=x", content_type="application/x-www-form-urlencoded")
    refused(answer, 400, "invalid_request")


def test_a_body_that_is_too_long_is_refused() -> None:
    refused(register(helper(client_uri="https://a.example/" + "x" * 70_000)), 413, "invalid_request")


def test_any_origin_may_register_a_client() -> None:
    answer = Client().options(
        PATH, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    )
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "MCP-Protocol-Version" in answer["Access-Control-Allow-Headers"]
