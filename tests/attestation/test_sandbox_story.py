"""Each magic value, test card and way of delivery, through the real doors over HTTP."""

import pytest

from accounts.flags.models import Flag
from accounts.linkage.models import Signal
from attestation.evidence.models import AccountLevel, Attestation
from attestation.inbox.models import ProviderEvent
from attestation.inbox.reconcile import take_lost_events
from foundation.ledger.models import Entry
from tests.attestation.conftest import let_time_pass, levels, make_account, state_of, submit, work

FAILURES = [
    ("EXPIRED", "document_expired"),
    ("SELFIE", "selfie_mismatch"),
    ("UNDERAGE", "under_age"),
    ("COUNTRY", "country_not_supported"),
    ("CONSENT", "consent_declined"),
]


def flags(account):
    return sorted(Flag.objects.filter(account=account).values_list("reason", flat=True))


def test_a_good_document_gives_its_level_and_a_signal(alice_account, show_document):
    shown = show_document(alice_account, "OK-7")
    work()
    assert state_of(shown) == ("verified", "")
    assert levels(alice_account) == ("document", "none")
    assert list(Signal.objects.values_list("kind", flat=True)) == ["government_document"]


def test_nothing_counts_before_the_webhook_and_nothing_of_it_in_live(alice_account, show_document):
    show_document(alice_account, "OK-7")
    assert levels(alice_account) == ("email", "none")
    work()
    assert not AccountLevel.objects.filter(environment="live").exists()


@pytest.mark.parametrize(("value", "reason"), FAILURES)
def test_a_document_that_fails_says_why(alice_account, show_document, value, reason):
    shown = show_document(alice_account, value)
    work()
    assert state_of(shown) == ("failed", reason)
    assert levels(alice_account) == ("email", "none")
    assert not Signal.objects.exists()


def test_a_failed_session_can_be_tried_again_and_then_counts(alice_account, show_document):
    first = show_document(alice_account, "SELFIE")
    work()
    assert show_document(alice_account, "OK-7") == first
    work()
    assert state_of(first) == ("verified", "")


def test_a_review_ends_verified(alice_account, show_document):
    shown = show_document(alice_account, "REVIEW-3")
    work()
    assert state_of(shown) == ("review", "")
    assert levels(alice_account) == ("email", "none")
    let_time_pass()
    assert levels(alice_account) == ("document", "none")


def test_a_reversal_takes_the_level_and_raises_a_flag(alice_account, show_document):
    shown = show_document(alice_account, "REVERSED")
    work()
    assert levels(alice_account) == ("document", "none")
    let_time_pass()
    assert state_of(shown) == ("reversed", "identity_reversed")
    assert levels(alice_account) == ("email", "none")
    assert flags(alice_account) == ["identity.reversed"]


def test_an_abandoned_session_stays_pending(alice_account, show_document):
    shown = show_document(alice_account, "ABANDON")
    let_time_pass()
    assert state_of(shown) == ("pending", "")
    assert not ProviderEvent.objects.exists()


CARDS = [
    ("4242424242424242", "instrument", "verified", "", "instrument"),
    ("4242424242424242", "charged", "verified", "", "charged"),
    ("4000000000000002", "instrument", "failed", "card_declined", "none"),
    ("4000000000000341", "instrument", "verified", "", "instrument"),
    ("4000000000000341", "charged", "verified", "card_declined", "instrument"),
    ("5105105105105100", "instrument", "failed", "prepaid_not_accepted", "none"),
    ("4000000000009235", "charged", "verified", "risk_elevated", "instrument"),
    ("4100000000000019", "instrument", "failed", "card_blocked", "none"),
    ("4000002760003184", "charged", "verified", "", "charged"),
]


@pytest.mark.parametrize(("number", "wanted", "state", "reason", "level"), CARDS)
def test_each_test_card_ends_as_the_table_says(alice_account, pay, number, wanted, state, reason, level):
    paid = pay(alice_account, number, wanted)
    work()
    assert state_of(paid) == (state, reason)
    assert levels(alice_account) == ("email", level)


def test_a_card_holder_who_refuses_fails(alice_account, pay):
    paid = pay(alice_account, "4000002760003184", challenge="fail")
    work()
    assert state_of(paid) == ("failed", "authentication_failed")


@pytest.mark.parametrize(
    ("number", "flag"),
    [("4000000000000259", "payment.dispute"), ("4000000000005423", "payment.fraud_warning")],
)
def test_a_payment_taken_back_lowers_the_level_and_is_flagged(alice_account, pay, number, flag):
    pay(alice_account, number, "charged")
    work()
    assert levels(alice_account) == ("email", "charged")
    let_time_pass()
    assert levels(alice_account) == ("email", "none")
    assert flags(alice_account) == [flag]


def test_a_blocked_card_is_flagged_as_a_risk(alice_account, pay):
    pay(alice_account, "4100000000000019")
    work()
    assert flags(alice_account) == ["payment.risk"]


@pytest.mark.parametrize("delivery", ["", "delay", "dup", "reorder", "fail-first"])
def test_however_webhooks_arrive_the_fetched_state_stands(alice_account, show_document, delivery):
    shown = show_document(alice_account, "OK-7", delivery)
    work()
    let_time_pass()
    assert state_of(shown) == ("verified", "")
    assert Attestation.objects.get(pk=shown).provider_version == 3
    assert ProviderEvent.objects.filter(applied_at=None).count() == 0
    assert ProviderEvent.objects.count() == 2
    assert Entry.objects.filter(type="attestation.changed").count() == 1


@pytest.mark.parametrize("delivery", ["drop", "badsig", "stale", "future"])
def test_webhooks_that_never_count_leave_it_to_the_list_of_lost_events(
    alice_account, show_document, delivery
):
    shown = show_document(alice_account, "OK-7", delivery)
    let_time_pass()
    assert state_of(shown) == ("pending", "")
    assert not ProviderEvent.objects.exists()
    take_lost_events()
    work()
    assert state_of(shown) == ("verified", "")


def test_a_result_of_the_wrong_mode_counts_for_nothing_and_is_flagged(alice_account, show_document):
    shown = show_document(alice_account, "OK-7", "wrongmode")
    work()
    assert state_of(shown) == ("pending", "")
    assert flags(alice_account) == ["provider.mismatch"]
    assert not AccountLevel.objects.filter(identity="document").exists()


def test_the_fourth_account_on_one_card_is_held_until_a_person_decides(server, pay):
    accounts = [make_account(name) for name in ("Ann", "Ben", "Cid", "Dan")]
    paid = [pay(account, "4242424242424242") for account in accounts]
    work()
    assert [levels(account)[1] for account in accounts] == ["instrument"] * 3 + ["none"]
    assert state_of(paid[3])[0] == "review"
    assert flags(accounts[3]) == ["payment.shared"]


def test_a_session_leads_back_with_nothing_but_the_reference(alice_account, start, server):
    begun = start(alice_account, "identity")
    answer = submit(begun.url, document="OK-1")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{server}/a/{alice_account.pk}/verification/return/?ref={begun.id}"


def test_a_session_takes_three_tries(alice_account, start):
    begun = start(alice_account, "identity")
    for _ in range(3):
        submit(begun.url, document="SELFIE")
    with pytest.raises(AssertionError):
        submit(begun.url, document="OK-1")
    work()
    assert Attestation.objects.get(pk=begun.id).tries == 3


def test_the_fifth_failed_identity_try_is_flagged_and_ends_the_tries(alice_account, start):
    from attestation.evidence.begin import NoTriesLeft

    first = start(alice_account, "identity")
    for _ in range(3):
        submit(first.url, document="SELFIE")
    work()
    second = start(alice_account, "identity")
    for _ in range(2):
        submit(second.url, document="SELFIE")
    work()
    assert first.id != second.id
    assert flags(alice_account) == ["identity.attempts"]
    with pytest.raises(NoTriesLeft):
        start(alice_account, "identity")


@pytest.mark.parametrize("typed", ["", "OK", "OK-", "OK-x", "ok-1-2", "4242", "OK-٣"])
def test_an_unknown_value_is_asked_for_again_and_nothing_happens(alice_account, start, typed):
    begun = start(alice_account, "identity")
    assert submit(begun.url, document=typed).status_code == 422
    work()
    assert state_of(begun.id) == ("pending", "")


@pytest.mark.parametrize("number", ["4242424242424241", "1", "abc", "4242 4242 4242 424٢", "0" * 30])
def test_a_number_that_is_no_card_is_refused_at_the_field(alice_account, start, number):
    begun = start(alice_account, "payment", "instrument")
    assert submit(begun.url, number=number, expiry="12/39", code="123").status_code == 422
