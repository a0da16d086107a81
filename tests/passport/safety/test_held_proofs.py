"""Held proofs: what a person sees of them, and that their word is recorded and takes effect."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.flags.models import Flag
from accounts.owners.models import Account, Membership
from attestation.contract import Fingerprint, FingerprintKind, Observation, State
from attestation.evidence.held import held, shared_by, sharers_of
from attestation.evidence.models import Attestation
from attestation.evidence.record import settle
from attestation.evidence.standing import levels_of
from foundation import clock
from foundation.ledger.models import Entry
from tests import people

pytestmark = pytest.mark.django_db
NUMBER = "passport|XS|C03005988"


def prove(name: str) -> Attestation:
    """An account of this name, verified by the one document of all these accounts."""
    account = Account.objects.create(name=name)
    row = Attestation.objects.create(
        account=account, environment="sandbox", kind="identity", provider="sandbox",
        subject_ref=f"sbs_{account.pk}", started_by="user:usr_1",
    )  # fmt: skip
    seen = Observation(
        state=State.VERIFIED, reference=row.pk, livemode=False, version=2, level="document", method="sandbox",
        fingerprints=[Fingerprint(FingerprintKind.DOCUMENT, NUMBER)],
    )  # fmt: skip
    settle(row.pk, seen, now=clock.now())
    row.refresh_from_db()
    return row


@pytest.fixture
def fourth() -> Attestation:
    """One person stands behind three accounts; the fourth is held."""
    for name in ("Ann", "Ben", "Cid"):
        prove(name)
    return prove("Dan & Daughters")


@pytest.fixture
def browser() -> Client:
    user = people.person("sam@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="analyst")[0])
    return people.browser(user, factor=True)


def level_of(row: Attestation) -> str:
    return levels_of(row.account_id, row.environment, clock.now()).identity


def test_the_list_says_why_and_how_many_others(browser: Client, fourth: Attestation) -> None:
    page = browser.get("/admin/attestations/").content.decode()
    assert "Identity of Dan &amp; Daughters" in page
    assert "One person behind several accounts" in page
    assert sharers_of([fourth]) == {fourth.pk: 3}


def test_the_evidence_names_accounts_and_nothing_personal(browser: Client, fourth: Attestation) -> None:
    assert {one.account_id for one in shared_by(fourth)} == set(
        Account.objects.filter(name__in=["Ann", "Ben", "Cid"]).values_list("pk", flat=True)
    )
    page = browser.get(f"/admin/attestations/{fourth.pk}/").content.decode()
    assert all(name in page for name in ("Ann", "Ben", "Cid"))
    assert "C03005988" not in page


def test_a_released_proof_counts_and_its_flag_is_dismissed(browser: Client, fourth: Attestation) -> None:
    assert Flag.objects.get(account=fourth.account_id).state == "open"
    browser.post(f"/admin/attestations/{fourth.pk}/release/", {"reason": "A family business."})
    assert level_of(fourth) == "document"
    assert Flag.objects.get(account=fourth.account_id).state == "dismissed"
    entry = Entry.objects.filter(type="attestation.changed").latest("pk")
    assert (entry.payload["to"], entry.text.text) == ("verified", "A family business.")
    assert entry.actor.startswith("user:usr_")
    assert not held().exists()


def test_a_refused_proof_does_not_count(browser: Client, fourth: Attestation) -> None:
    browser.post(f"/admin/attestations/{fourth.pk}/refuse/", {"reason": "The same face, four companies."})
    fourth.refresh_from_db()
    assert (fourth.state, fourth.reason, level_of(fourth)) == ("failed", "not_accepted", "email")
    assert Flag.objects.get(account=fourth.account_id).state == "open"


def test_without_a_reason_nothing_is_decided(browser: Client, fourth: Attestation) -> None:
    answer = browser.post(f"/admin/attestations/{fourth.pk}/release/", {"reason": "  "})
    assert (answer.status_code, level_of(fourth)) == (400, "email")


def test_the_first_word_stands(browser: Client, fourth: Attestation) -> None:
    browser.post(f"/admin/attestations/{fourth.pk}/refuse/", {"reason": "No."})
    answer = browser.post(f"/admin/attestations/{fourth.pk}/release/", {"reason": "Yes."}, follow=True)
    assert "Their word stands." in answer.content.decode()
    assert level_of(fourth) == "email"


def test_a_proof_that_was_never_held_has_no_page(browser: Client) -> None:
    row = prove("Ann")
    assert browser.get(f"/admin/attestations/{row.pk}/").status_code == 404


def test_a_decided_proof_can_still_be_read(browser: Client, fourth: Attestation) -> None:
    browser.post(f"/admin/attestations/{fourth.pk}/release/", {"reason": "Fine."})
    page = browser.get(f"/admin/attestations/{fourth.pk}/").content.decode()
    assert "Decided:" in page
    assert "/release/" not in page


def test_the_owner_never_reads_why_a_proof_was_held(browser: Client, fourth: Attestation) -> None:
    owner = people.person("dan@example.com")
    Membership.objects.create(account_id=fourth.account_id, user=owner, role="owner")
    browser.post(f"/admin/attestations/{fourth.pk}/release/", {"reason": "Known to us from before."})
    hers = people.browser(owner)
    for path in ("activity/", "activity.csv", "verification/", "notices/"):
        said = hers.get(f"/a/{fourth.account_id}/{path}").content.decode()
        assert not [
            word for word in ("reused", "Known to us", "sha256", "several accounts") if word in said
        ], path
