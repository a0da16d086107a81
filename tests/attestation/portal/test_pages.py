"""The verification pages: who may enter, what is shown, where a start leads."""

from datetime import timedelta

import pytest

from accounts.owners.models import Account, Membership
from attestation.contract import Observation, ProviderAway, Started, State
from attestation.evidence import record
from attestation.evidence.models import Attestation
from attestation.providers.registry import SANDBOX
from foundation import clock
from foundation.jobs.models import Job
from tests.people import browser, person


@pytest.fixture
def account(db):
    return Account.objects.create(name="Alice Ltd")


def member(account, name, role):
    user = person(f"{name}@example.com")
    Membership.objects.create(account=account, user=user, role=role)
    return browser(user)


@pytest.fixture
def alice(account):
    return member(account, "alice", "owner")


@pytest.fixture
def hosted(monkeypatch, settings):
    """The provider's server gives a session; what leaves the house is faked at its edge."""
    started = Started(
        "sbs_1", f"{settings.ISSUER}/sandbox-provider/s/sbs_1/", clock.now() + timedelta(hours=24)
    )
    monkeypatch.setattr(SANDBOX, "start", lambda request: started, raising=False)


def page(account, more=""):
    return f"/a/{account.pk}/verification/{more}"


IDENTITY = {"environment": "sandbox", "kind": "identity", "level": "document"}


@pytest.mark.parametrize("path", ["", "news/", "return/?ref=x", "start/", "ask/"])
def test_a_stranger_learns_nothing(account, path):
    carol = browser(person("carol@example.com"))
    assert carol.post(page(account, path)).status_code in {404, 405}
    assert carol.get(page(account, path)).status_code in {404, 405}


def test_a_developer_may_not_verify(account, hosted):
    bob = member(account, "bob", "developer")
    assert bob.get(page(account)).status_code == 403
    assert bob.post(page(account, "start/"), IDENTITY).status_code == 403
    assert not Attestation.objects.exists()


def test_who_is_not_signed_in_is_asked_to(account):
    assert browser().get(page(account)).headers["Location"].startswith("/accounts/login/")


def test_the_page_says_what_each_level_unlocks(alice, account):
    shown = alice.get(page(account)).content.decode()
    assert "Identity: email" in shown
    assert "Payment: none" in shown
    assert "Passports, and scopes that ask for a verified person." in shown


def test_live_without_a_provider_says_so_and_offers_nothing(alice, account):
    shown = alice.get(page(account, "?environment=live")).content.decode()
    assert "No provider for live agents is set up on this server." in shown
    assert "verification/start/" not in shown
    answer = alice.post(page(account, "start/"), {**IDENTITY, "environment": "live"})
    assert (answer.status_code, Attestation.objects.count()) == (409, 0)


def test_the_page_may_lead_to_the_provider(alice, account, settings):
    policy = alice.get(page(account)).headers["Content-Security-Policy"]
    assert f"form-action 'self' {settings.ISSUER}" in policy


def test_a_start_leads_to_the_provider_and_two_clicks_are_one_session(alice, account, hosted, settings):
    for _ in range(2):
        answer = alice.post(page(account, "start/"), IDENTITY)
        assert answer.headers["Location"] == f"{settings.ISSUER}/sandbox-provider/s/sbs_1/"
    assert Attestation.objects.get().subject_ref == "sbs_1"


@pytest.mark.parametrize("field", ["environment", "kind", "level"])
@pytest.mark.parametrize("value", ["", "nonsense", "charged\0"])
def test_a_start_of_something_else_is_not_there(alice, account, hosted, field, value):
    assert alice.post(page(account, "start/"), {**IDENTITY, field: value}).status_code == 404


def test_a_provider_that_is_away_is_said_to_be(alice, account, monkeypatch):
    def away(request):
        raise ProviderAway("timeout")

    monkeypatch.setattr(SANDBOX, "start", away, raising=False)
    answer = alice.post(page(account, "start/"), IDENTITY)
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


def test_an_address_elsewhere_is_not_followed(alice, account, monkeypatch):
    elsewhere = Started("sbs_1", "https://evil.example/", clock.now())
    monkeypatch.setattr(SANDBOX, "start", lambda request: elsewhere, raising=False)
    assert alice.post(page(account, "start/"), IDENTITY).status_code == 503


def settle(account, state, version, **more):
    row = Attestation.objects.get(account=account)
    record.settle(
        row.pk,
        Observation(state=state, reference=row.pk, livemode=False, version=version, **more),
        now=clock.now(),
    )


def test_news_are_sent_when_there_are_any(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    stamp = alice.get(page(account)).context["stamp"]
    news = page(account, f"news/?environment=sandbox&seen={stamp}")
    assert alice.get(news).status_code == 204
    settle(account, State.VERIFIED, 2, level="document")
    answer = alice.get(news)
    assert (answer.status_code, "hx-get" in answer.content.decode()) == (200, False)
    assert "Identity: document" in answer.content.decode()


def test_a_failure_says_why_what_to_do_and_how_many_tries_are_left(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    settle(account, State.FAILED, 2, reason="selfie_mismatch", tries=1)
    shown = alice.get(page(account)).content.decode()
    for words in ("did not match the document", "even light", "4 tries left"):
        assert words in shown


def test_a_failed_session_that_is_taken_up_again_is_followed(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    settle(account, State.FAILED, 2, reason="selfie_mismatch", tries=1)
    assert not alice.get(page(account)).context["moves"]
    alice.post(page(account, "start/"), IDENTITY)
    shown = alice.get(page(account))
    assert shown.context["moves"]
    assert "Go on with the document" in shown.content.decode()


def test_without_tries_nothing_can_be_begun(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    settle(account, State.FAILED, 2, reason="selfie_mismatch", tries=5)
    assert "a person has to look at it first" in alice.get(page(account)).content.decode()
    assert alice.post(page(account, "start/"), IDENTITY).status_code == 409


def test_the_way_back_shows_the_page_and_changes_nothing(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    row = Attestation.objects.get()
    answer = alice.get(page(account, f"return/?ref={row.pk}&state=verified"))
    assert answer.headers["Location"] == page(account, "?environment=sandbox")
    row.refresh_from_db()
    assert row.state == "pending"
    assert alice.get(page(account, "return/?ref=att_other")).status_code == 404


def test_asking_queues_a_fetch_once(alice, account, hosted):
    alice.post(page(account, "start/"), IDENTITY)
    for _ in range(2):
        assert alice.post(page(account, "ask/"), {"environment": "sandbox"}).status_code == 302
    assert Job.objects.filter(name="attestation.inbox.refresh").count() == 1


def test_the_page_costs_at_most_twelve_queries(alice, account, hosted, django_assert_max_num_queries):
    alice.post(page(account, "start/"), IDENTITY)
    alice.get(page(account))  # her browser's first visit is recorded
    with django_assert_max_num_queries(12):
        alice.get(page(account))


def test_the_steps_of_a_new_account_lead_here(alice, account):
    shown = alice.get(f"/a/{account.pk}/start/").content.decode()
    assert "Prove who you are" in shown
    assert page(account) in shown
