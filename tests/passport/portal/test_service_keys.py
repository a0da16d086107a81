"""The pages by which the members of an account keep the keys of their service."""

import json
from base64 import b64encode
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.owners.models import Membership
from foundation.ledger.models import Entry
from foundation.outbound import documents
from foundation.outbound.client import Fetched, OutboundError
from passport.services.key_registration import read_again
from passport.services.keys import thumbprints_of
from passport.services.models import Service
from tests.cast import Key, hire, open_account, open_service
from tests.people import browser, person

URL = "https://model.example/jwks.json"


@pytest.fixture
def service(house: None) -> Service:
    row, secret = open_service()
    Service.objects.filter(pk=row.pk).update(account=open_account("alice"), issuer_scopes="events.read")
    row.refresh_from_db()
    row.secret = secret
    return row


@pytest.fixture
def bob(service: Service) -> Any:
    return member(service.account_id, "developer")


def member(account_id: str, role: str) -> Any:
    user = person(f"{role}@example.com")
    Membership.objects.create(user=user, account_id=account_id, role=role)
    return browser(user, factor=True)


def path(service: Service, rest: str = "keys/") -> str:
    return f"/a/{service.account_id}/services/{service.pk}/{rest}"


def add(bob: Any, service: Service, key: Key) -> str:
    answer = bob.post(path(service, "keys/new/"), {"jwk": json.dumps(key.jwk)}, follow=True)
    return str(answer.content.decode())


def signs_in(endpoint: Any, service: Service, key: Key) -> bool:
    form = {
        "grant_type": "client_credentials", "resource": "https://nobody.example",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(service.pk),
    }  # fmt: skip
    answer = endpoint.post(form).json()
    assert answer.get("error") in ("invalid_client", "invalid_target", None)
    return answer.get("error") != "invalid_client"


def test_keys_are_changed_without_a_gap(endpoint: Any, bob: Any, service: Service) -> None:
    old, new = Key(), Key()
    assert not signs_in(endpoint, service, old)
    assert old.thumbprint in add(bob, service, old)
    assert new.thumbprint in add(bob, service, new)
    assert signs_in(endpoint, service, old)
    assert signs_in(endpoint, service, new)
    bob.post(path(service, f"keys/{old.thumbprint}/remove/"))
    assert not signs_in(endpoint, service, old)
    assert signs_in(endpoint, service, new)
    told = list(
        Entry.objects.filter(type__startswith="service.key").order_by("pk").values_list("type", flat=True)
    )
    assert told == ["service.key_added", "service.key_added", "service.key_removed"]


def test_the_secret_ends_once_there_is_a_key_and_the_last_key_stays(
    endpoint: Any, bob: Any, service: Service
) -> None:
    key, basic = Key(), b64encode(f"{service.pk}:{service.secret}".encode()).decode()
    bob.post(path(service, "secret/end/"))
    assert Service.objects.get().secret_hash is not None
    add(bob, service, key)
    bob.post(path(service, "secret/end/"))
    refused = endpoint.post({"grant_type": "client_credentials"}, HTTP_AUTHORIZATION=f"Basic {basic}")
    assert refused.json()["error"] == "invalid_client"
    bob.post(path(service, f"keys/{key.thumbprint}/remove/"))
    assert signs_in(endpoint, service, key), "it could not sign in otherwise"


@pytest.mark.parametrize("bad", ["{}", "not json", "private", "agents", "twice"])
def test_a_key_that_may_not_be_registered_is_refused(bob: Any, service: Service, bad: str) -> None:
    agents, own = hire(service.account, "scout").key, Key()
    add(bob, service, own)
    text = {
        "private": json.dumps({**own.jwk, "d": "AAAA"}),
        "agents": json.dumps(agents.jwk),
        "twice": json.dumps(own.jwk),
    }.get(bad, bad)
    assert bob.post(path(service, "keys/new/"), {"jwk": text}).status_code == 200
    assert thumbprints_of(Service.objects.get().jwks) == {own.thumbprint}


def test_published_keys_are_its_only_ones_and_follow_what_is_published(
    endpoint: Any, bob: Any, service: Service, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    registered, published, later = Key(), Key(), Key()
    network: dict[str, Any] = {"keys": [published.jwk]}

    def fetch(*asked: Any, **more: Any) -> Fetched:
        if not network:
            raise OutboundError("timeout")
        return Fetched(200, {"Content-Type": "application/json"}, json.dumps(network).encode())

    monkeypatch.setattr(documents, "fetch", fetch)
    add(bob, service, registered)
    bob.post(path(service, "keys/published/"), {"jwks_uri": URL})
    assert signs_in(endpoint, service, published)
    assert not signs_in(endpoint, service, registered)
    network["keys"] = [later.jwk]
    clock.forward(minutes=11)
    read_again()
    assert thumbprints_of(Service.objects.get().jwks) == {later.thumbprint}
    network.clear()
    clock.forward(minutes=4)
    assert signs_in(endpoint, service, later), "what was read holds to its end"
    clock.forward(minutes=6)
    assert not signs_in(endpoint, service, later)


@pytest.mark.parametrize(
    "url", ["http://model.example/k", "https://u@model.example/k", "https://nobody.example/k"]
)
def test_a_url_without_keys_changes_nothing(
    bob: Any, service: Service, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*asked: Any, **more: Any) -> Fetched:
        raise OutboundError("name")

    monkeypatch.setattr(documents, "fetch", fetch)
    own = Key()
    add(bob, service, own)
    assert bob.post(path(service, "keys/published/"), {"jwks_uri": url}).status_code == 200
    assert Service.objects.get().jwks_uri == ""
    assert thumbprints_of(Service.objects.get().jwks) == {own.thumbprint}


def test_viewers_and_strangers_may_not(service: Service) -> None:
    assert member(service.account_id, "viewer").get(path(service)).status_code == 403
    carol = member(open_account("carol").pk, "owner")
    assert carol.get(path(service)).status_code == 404
    assert carol.get(f"/a/acc_carol/services/{service.pk}/keys/").status_code == 404


def test_the_command_does_the_same(service: Service, tmp_path: Any, capsys: Any) -> None:
    key = Key()
    (tmp_path / "key.json").write_text(json.dumps(key.jwk))
    call_command("service_keys", service.pk, add=str(tmp_path / "key.json"))
    assert key.thumbprint in capsys.readouterr().out
    call_command("service_keys", service.pk, "--end-secret")
    with pytest.raises(CommandError, match="could not authenticate"):
        call_command("service_keys", service.pk, remove=key.thumbprint)
    with pytest.raises(CommandError, match="no service"):
        call_command("service_keys", "svc_nobody")
