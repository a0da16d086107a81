"""A person lets a program manage one of their accounts: which one, how far, and with a second factor."""

from typing import Any

import pytest

from foundation import clock
from passport.agents.models import OpenClient
from passport.agents.own_api import SCOPES
from passport.consents.models import Consent
from passport.services.registration import ServiceRefused
from tests.cast import ISSUER, claims_of, granted, open_account, open_service, refused
from tests.passport.oauth.consenting import REDIRECT, Person, ask, let_ask, sent_back
from tests.passport.oauth.managing import API, CommandLine, allows, join, with_factor


@pytest.fixture
def account(house: None) -> Any:
    return open_account("alice")


@pytest.fixture
def alice(account: Any) -> Person:
    return with_factor(join(Person("alice@people.example"), account))


@pytest.fixture
def terminal(endpoint: Any) -> CommandLine:
    return CommandLine(endpoint)


def test_the_person_reads_what_it_may_do_and_chooses_the_account(alice, account, terminal) -> None:
    other = open_account("other")
    join(alice, other, "viewer")
    said = terminal.asks("agents.read").json()
    page = alice.client.post("/device", {"user_code": said["user_code"]}, follow=True)
    words = page.content.decode()
    assert SCOPES["agents.read"] in words
    assert SCOPES["agents.write"] not in words
    assert "Any program can say that it is the command line." in words
    assert f'value="{account.pk}"' in words
    assert f'value="{other.pk}"' in words


def test_the_token_is_for_the_api_and_bound_to_the_key_and_names_nobody(alice, account, terminal) -> None:
    token = claims_of(terminal.logs_in(alice, account, "agents.read agents.write"))
    assert (token["aud"], token["scope"]) == (API, "agents.read agents.write")
    assert token["cnf"] == {"jkt": terminal.key.thumbprint}
    assert account.pk not in str(token)
    assert alice.user.pk not in str(token)
    assert Consent.objects.get().account_id == account.pk


def test_it_stays_logged_in_by_its_refresh_token(alice, account, terminal) -> None:
    said = terminal.asks("agents.read").json()
    allows(alice, said["user_code"], account.pk)
    first = terminal.polls(said["device_code"]).json()
    again = terminal.refreshes(first["refresh_token"])
    assert claims_of(granted(again))["scope"] == "agents.read"


@pytest.mark.parametrize("chosen", ["", "acc_other", "acc_none"])
def test_an_account_that_is_not_the_persons_cannot_be_chosen(alice, terminal, chosen) -> None:
    open_account("other")
    said = terminal.asks("agents.read").json()
    assert allows(alice, said["user_code"], chosen).status_code == 302
    assert not Consent.objects.exists()


def test_who_is_in_no_account_has_nothing_to_grant(terminal) -> None:
    stranger = Person("carol@people.example")
    said = terminal.asks("agents.read").json()
    page = stranger.client.post("/device", {"user_code": said["user_code"]}, follow=True)
    assert page.status_code == 403
    assert "open one first" in page.content.decode()


def test_leave_to_change_things_asks_for_a_second_factor_and_leave_to_read_does_not(
    account, terminal
) -> None:
    bob = join(Person("bob@people.example"), account, "developer")
    said = terminal.asks("agents.write").json()
    answer = allows(bob, said["user_code"], account.pk)
    assert answer.status_code == 302
    assert not Consent.objects.exists()
    assert terminal.logs_in(bob, account, "agents.read")


def test_in_the_browser_the_account_is_chosen_too(alice, account) -> None:
    client = OpenClient.objects.create(
        name="Desk", redirect_uris=REDIRECT, grant_types="authorization_code", created_at=clock.now()
    )
    path = ask(client.client_id, resource=API, scope="agents.read")
    page = alice.client.get(path)
    sent = {"decision": "approve", "shown": page.context["shown"]}
    assert alice.client.post(path, sent).context["memberships"], "it is shown again"
    assert "code" in sent_back(alice.client.post(path, sent | {"account": account.pk}))
    assert Consent.objects.get().account_id == account.pk


def test_an_agent_cannot_ask_to_manage_accounts(endpoint, scout) -> None:
    let_ask(scout)
    person = with_factor(join(Person(), scout.account))
    answer = person.client.get(ask(scout.id, resource=API, scope="agents.write"))
    assert sent_back(answer)["error"] == "invalid_target"


def test_the_command_line_without_a_proof_gets_no_token(alice, account, terminal, endpoint) -> None:
    said = terminal.asks("agents.read").json()
    allows(alice, said["user_code"], account.pk)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": said["device_code"],
        "client_id": terminal.client_id,
    }
    refused(endpoint.post(form), "invalid_request", reason="proof_missing")


@pytest.mark.parametrize("audience", [API, ISSUER, f"{ISSUER}/v1/agents", f"{ISSUER.upper()}/v1"])
def test_nobody_registers_a_service_at_this_servers_own_address(house, audience) -> None:
    with pytest.raises(ServiceRefused):
        open_service(audience)
