"""``/v1/services`` and ``/v1/account``: the account's relying parties, and what it has proven."""

import pytest

from passport.services.models import Service
from passport.services.registration import check_secret
from tests.cast import ISSUER, Key, open_account, open_service, set_levels
from tests.passport.api.calling import problem

PATH = "/v1/services"
SCOPE = {"name": "echo:read", "description": "hear the echo"}
BODY = {"name": "Echo", "audience": "https://echo.example", "environment": "sandbox", "scopes": [SCOPE]}


def test_an_owner_registers_a_service_and_reads_its_secret_once(alice) -> None:
    answer = alice("POST", PATH, BODY)
    said = answer.json()
    assert answer.status_code == 201, said
    service = Service.objects.get(pk=said["id"])
    assert check_secret(service, said["secret"])
    assert service.account_id == "acc_alices"
    shown = alice("GET", f"{PATH}/{service.pk}").json()
    assert shown == {name: value for name, value in said.items() if name != "secret"}
    assert shown["scopes"] == [{**SCOPE, "least_identity": "document", "least_payment": "instrument"}]
    assert alice("GET", PATH).json() == {"services": [shown], "next": None}


def test_a_new_secret_takes_the_place_of_the_old_one(alice) -> None:
    said = alice("POST", PATH, BODY).json()
    new = alice("POST", f"{PATH}/{said['id']}/secret").json()["secret"]
    service = Service.objects.get()
    assert (check_secret(service, said["secret"]), check_secret(service, new)) == (False, True)


def test_its_keys_are_set_as_a_whole(alice) -> None:
    path = f"{PATH}/{alice('POST', PATH, BODY).json()['id']}/keys"
    tag = alice("GET", path)["ETag"]
    (key,) = alice("PUT", path, {"keys": [Key().jwk]}).json()["keys"]
    assert "d" not in key
    problem(alice("PUT", path, {"keys": []}, **{"If-Match": tag}), 412, "changed_meanwhile")
    assert alice("PUT", path, {"keys": []}).json()["keys"] == []


def test_the_last_way_to_authenticate_is_not_taken_away(alice) -> None:
    path = f"{PATH}/{alice('POST', PATH, BODY).json()['id']}/keys"
    alice("PUT", path, {"keys": [Key().jwk]})
    Service.objects.update(secret_hash=None)
    problem(alice("PUT", path, {"keys": []}), 422, "invalid-member")
    assert len(alice("GET", path).json()["keys"]) == 1


def test_keys_that_are_an_agents_or_published_elsewhere_are_not_set(alice, scout) -> None:
    path = f"{PATH}/{alice('POST', PATH, BODY).json()['id']}/keys"
    problem(alice("PUT", path, {"keys": [scout.key.jwk]}), 422, "invalid-member")
    Service.objects.filter(audience=BODY["audience"]).update(jwks_uri="https://echo.example/keys")
    problem(alice("PUT", path, {"keys": [Key().jwk]}), 422, "invalid-member")


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": "echo"},
        {"audience": f"{ISSUER}/v1"},
        {"audience": "https://echo.example/#here"},
        {"name": ""},
        {"environment": "prod"},
        {"scopes": []},
        {"scopes": ["echo:read"]},
        {"scopes": [SCOPE, SCOPE]},
        {"scopes": [{**SCOPE, "least_identity": "blood"}]},
        {"scopes": [{"name": "a b", "description": "x"}]},
        {"scopes": [{"name": "a"}]},
        {"issuer_scopes": ["ssf.manage"]},
    ],
)
def test_what_is_wrong_with_it_is_said(alice, changed) -> None:
    assert problem(alice("POST", PATH, {**BODY, **changed}), 422, "invalid-member")["errors"]
    assert not Service.objects.exists()


def test_an_audience_belongs_to_whoever_came_first(alice) -> None:
    open_service(BODY["audience"])
    problem(alice("POST", PATH, BODY), 409, "audience_in_use")


def test_an_account_that_has_proven_too_little_registers_none(alice, account) -> None:
    set_levels(account, identity="email")
    assert "document" in problem(alice("POST", PATH, BODY), 403, "attestation_missing")["detail"]


def test_credentials_are_for_owners(alice, enter) -> None:
    service_id = alice("POST", PATH, BODY).json()["id"]
    bob = enter("bob", "developer")
    assert bob("GET", f"{PATH}/{service_id}").status_code == 200
    problem(bob("POST", PATH, BODY), 403, "role")
    problem(bob("POST", f"{PATH}/{service_id}/secret"), 403, "role")
    problem(bob("PUT", f"{PATH}/{service_id}/keys", {"keys": []}), 403, "role")


def test_a_strangers_service_does_not_exist(alice, enter) -> None:
    service_id = alice("POST", PATH, BODY).json()["id"]
    carol = enter("carol", "owner", of=open_account("carols"))
    assert carol("GET", PATH).json()["services"] == []
    for method, path in [("GET", ""), ("POST", "/secret"), ("GET", "/keys"), ("PUT", "/keys")]:
        body = {"keys": []} if method == "PUT" else None
        problem(carol(method, f"{PATH}/{service_id}{path}", body), 404, "http-404")


def test_the_account_says_what_is_proven_and_what_a_passport_lacks(alice, account) -> None:
    set_levels(account, payment="none")
    said = alice("GET", "/v1/account").json()
    assert (said["id"], said["state"]) == (account.pk, "open")
    assert said["environments"]["sandbox"] == {
        "state": "active",
        "identity": "document",
        "payment": "none",
        "missing_for_passport": ["payment level instrument, yours is none"],
    }


def test_me_says_who_and_how_far(enter) -> None:
    bob = enter("bob", "developer", scope="account.read agents.read")
    said = bob("GET", "/v1/me").json()
    assert (said["id"], said["role"]) == (bob.person.user.pk, "developer")
    assert (said["client"], said["scopes"]) == ("agent-passport-cli", ["account.read", "agents.read"])
    assert "email" not in said
