"""A person sees what acts for them and ends it; nobody else's, and nothing by GET."""

import pytest

from accounts.owners.models import Membership
from foundation.ledger.models import Entry
from passport.consents.models import AuthorizationCode, Consent
from passport.consents.sweep import sweep
from tests.cast import INFER, MODEL, hire, open_account, open_service, refused
from tests.passport.oauth.consenting import Person, Tokens, ask, let_ask


@pytest.fixture
def asker(house):
    open_service(MODEL, bound=False)
    return let_ask(hire(open_account("alice"), "scout"))


@pytest.fixture
def dora(house) -> Person:
    return Person()


@pytest.fixture
def tokens(endpoint, asker) -> Tokens:
    return Tokens(endpoint, asker)


@pytest.fixture
def pair(tokens, asker, dora):
    return tokens.redeem(dora.gives_code(ask(asker.id))).json()


def listed(person: Person) -> list[str]:
    return [row["word"] for row in person.client.get("/grants/").context["rows"]]


def test_it_lists_who_acts_where_and_for_what(pair, dora, asker) -> None:
    text = dora.client.get("/grants/").content.decode()
    for said in ("scout", asker.id, MODEL, INFER):
        assert said in text


def test_withdrawing_ends_it_at_once_and_stands_on_the_record(pair, dora, tokens) -> None:
    consent = Consent.objects.get()
    assert dora.client.post(f"/grants/{consent.pk}/").status_code == 302
    refused(tokens.refresh(pair["refresh_token"]), "invalid_grant", reason="consent_ended")
    entry = Entry.objects.get(type="consent.ended")
    assert (entry.actor, entry.reason) == (f"user:{dora.user.pk}", "withdrawn")
    assert listed(dora) == ["revoked"]
    assert dora.client.post(f"/grants/{consent.pk}/").status_code == 302
    assert Entry.objects.filter(type="consent.ended").count() == 1


def test_looking_changes_nothing(pair, dora) -> None:
    assert dora.client.get(f"/grants/{Consent.objects.get().pk}/").status_code == 200
    assert listed(dora) == ["active"]


def test_anothers_grant_is_not_there(pair) -> None:
    carol, consent = Person("carol@people.example"), Consent.objects.get()
    assert listed(carol) == []
    assert carol.client.get(f"/grants/{consent.pk}/").status_code == 404
    assert carol.client.post(f"/grants/{consent.pk}/").status_code == 404
    assert Consent.objects.get().ended_at is None


def test_a_stranger_signs_in_first(client) -> None:
    for path in ("/grants/", "/grants/consent_1/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_an_approval_that_was_never_redeemed_is_not_listed_and_goes_after_a_day(asker, dora, clock) -> None:
    dora.gives_code(ask(asker.id))
    assert listed(dora) == []
    sweep()
    assert Consent.objects.count() == 1
    clock.forward(days=1, seconds=1)
    sweep()
    assert (Consent.objects.count(), AuthorizationCode.objects.count()) == (0, 0)


def test_what_is_in_use_is_not_swept(pair, dora, clock) -> None:
    clock.forward(days=32)
    sweep()
    assert listed(dora) == ["active"]
    clock.forward(days=60)
    assert listed(dora) == ["expired"]


def test_the_agents_owner_does_not_learn_who_it_acts_for(pair, dora, asker) -> None:
    alice = Person("alice@people.example")
    Membership.objects.create(account=asker.account, user=alice.user, role="owner")
    text = alice.client.get(f"/a/{asker.account.pk}/activity/").content.decode()
    assert "Agent registered" in text
    assert dora.email not in text
    assert dora.user.pk not in text
