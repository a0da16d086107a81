"""Owners and developers say where an agent sends people's answers."""

import pytest

from accounts.owners.models import Membership
from foundation.ledger.models import Entry
from passport.agents.clients import find_client
from tests.cast import hire, open_account
from tests.people import browser, person


@pytest.fixture
def scout(house):
    return hire(open_account("alice"), "scout")


def member(scout, role: str):
    user = person(f"{role}@example.com")
    Membership.objects.create(account=scout.account, user=user, role=role)
    return browser(user, factor=True)


def path(scout) -> str:
    return f"/a/{scout.account.pk}/agents/{scout.id}/redirects/"


def test_what_is_saved_lets_the_agent_ask(scout) -> None:
    alice = member(scout, "owner")
    uris = "https://client.example/cb\nhttp://localhost/cb"
    assert alice.post(path(scout), {"uris": uris, "application_type": "native"}).status_code == 302
    client = find_client(scout.id)
    assert client.may_redirect_to("http://localhost:3000/cb")
    assert "authorization_code" in client.grant_types
    assert Entry.objects.get(type="agent.redirects_changed").payload["redirect_uris"] == uris.split()
    assert b"https://client.example/cb" in alice.get(f"/a/{scout.account.pk}/agents/{scout.id}/").content


@pytest.mark.parametrize("uris", ["http://client.example/cb", "javascript:alert(1)", "https://c.example/#x",
                                  "\n".join(f"https://c.example/{n}" for n in range(11))])  # fmt: skip
def test_what_must_not_be_registered_is_said_at_the_field(scout, uris) -> None:
    answer = member(scout, "owner").post(path(scout), {"uris": uris, "application_type": "web"})
    assert answer.context["form"].errors["uris"]
    assert find_client(scout.id).redirect_uris == ()


def test_a_viewer_and_a_stranger_change_nothing(scout) -> None:
    said = {"uris": "https://client.example/cb", "application_type": "web"}
    assert member(scout, "viewer").post(path(scout), said).status_code == 403
    assert browser(person("carol@example.com"), factor=True).post(path(scout), said).status_code == 404
    assert find_client(scout.id).redirect_uris == ()
