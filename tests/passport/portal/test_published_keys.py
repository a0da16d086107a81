"""The page that says where an agent publishes its keys."""

import json
from typing import Any

import pytest

from accounts.owners.models import Membership
from foundation.outbound import documents
from foundation.outbound.client import Fetched
from passport.agents.models import AgentKey
from tests.cast import Key, hire, open_account
from tests.people import browser, person

URL = "https://reader.example/jwks.json"


@pytest.fixture
def scout(house: None) -> Any:
    return hire(open_account("alice"), "scout")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Key:
    key = Key()
    body = json.dumps({"keys": [key.jwk]}).encode()
    monkeypatch.setattr(
        documents, "fetch", lambda *a, **k: Fetched(200, {"Content-Type": "application/json"}, body)
    )
    return key


def member(scout: Any, role: str) -> Any:
    user = person(f"{role}@example.com")
    Membership.objects.create(user=user, account_id=scout.account.pk, role=role)
    return browser(user, factor=True)


def page_of(scout: Any) -> str:
    return f"/a/{scout.account.pk}/agents/{scout.id}/keys/published/"


def test_a_member_names_the_url_and_its_keys_become_the_agents(scout: Any, published: Key) -> None:
    bob = member(scout, "developer")
    answer = bob.post(page_of(scout), {"jwks_uri": URL}, follow=True)
    text = answer.content.decode()
    assert "Usable keys found there: 1." in text
    assert URL in text
    assert AgentKey.objects.get(thumbprint=published.thumbprint).fetched
    assert bob.post(page_of(scout), {"jwks_uri": ""}).status_code == 302
    assert AgentKey.objects.get(thumbprint=published.thumbprint).not_after is not None


@pytest.mark.parametrize(
    "url", ["http://reader.example/k", "https://u@reader.example/k", "javascript:x", "https://"]
)
def test_a_url_that_may_not_be_fetched_is_refused(scout: Any, published: Key, url: str) -> None:
    answer = member(scout, "owner").post(page_of(scout), {"jwks_uri": url})
    assert answer.status_code == 200
    assert "is an https URL" in answer.content.decode()
    scout.agent.refresh_from_db()
    assert scout.agent.jwks_uri == ""


def test_a_viewer_may_not(scout: Any) -> None:
    assert member(scout, "viewer").post(page_of(scout), {"jwks_uri": URL}).status_code == 403


def test_registered_and_published_keys_both_authenticate(scout: Any, published: Key, endpoint: Any) -> None:
    member(scout, "owner").post(page_of(scout), {"jwks_uri": URL})
    for key in (scout.key, published):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": key.assertion(scout.id),
        }
        assert endpoint.post(form).json()["error"] == "invalid_target"
