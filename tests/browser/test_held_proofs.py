"""A held proof is looked at in the console, released or refused, and the owner sees what came of it."""

import pytest
from playwright.sync_api import Page, expect

from accounts.owners.models import Membership
from accounts.people.models import User
from attestation.evidence.models import Attestation
from tests import people
from tests.browser.conftest import check, enter
from tests.passport.safety.test_held_proofs import prove

pytestmark = pytest.mark.browser


@pytest.fixture
def held(page: Page, site: str) -> Attestation:
    """One person stands behind three accounts; the fourth, Dan's, is held. An analyst is signed in."""
    for name in ("Ann Works", "Ben & Co", "Cid Labs"):
        prove(name)
    row = prove("Dan's Parcels")
    analyst = people.person("ana@example.com", is_staff=True, is_superuser=True)
    enter(page, site, analyst, factor=True)
    return row


def look_at_it(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/attestations/")
    check(page, "held-01-list")
    page.get_by_role("link", name="Identity of Dan's Parcels").click()
    expect(page.get_by_text("One person behind several accounts.")).to_be_visible()
    for name in ("Ann Works", "Ben & Co", "Cid Labs"):
        expect(page.get_by_role("link", name=name)).to_be_visible()


def as_owner(page: Page, site: str, row: Attestation) -> None:
    dan = User.objects.filter(email="dan@example.com").first() or people.person("dan@example.com")
    Membership.objects.get_or_create(account_id=row.account_id, user=dan, role="owner")
    page.context.clear_cookies()
    enter(page, site, dan)
    page.goto(f"{site}/a/{row.account_id}/verification/")


def test_a_released_proof_counts(page: Page, site: str, held: Attestation) -> None:
    look_at_it(page, site)
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.get_by_label("Reason").fill("A family business: four companies, one manager.")
    check(page, "held-02-proof")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("Released: it counts.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing is held")).to_be_visible()
    check(page, "held-03-empty")
    as_owner(page, site, held)
    expect(page.get_by_role("heading", name="Identity: document")).to_be_visible()


def test_a_refused_proof_tells_the_owner_no_more_than_it_must(
    page: Page, site: str, held: Attestation
) -> None:
    as_owner(page, site, held)
    expect(page.get_by_text("A person is looking at it.")).to_be_visible()
    page.context.clear_cookies()
    enter(page, site, User.objects.get(email="ana@example.com"), factor=True)
    look_at_it(page, site)
    page.get_by_label("Reason").fill("The same face runs a closed shop.")
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("Refused: it does not count.")).to_be_visible()
    as_owner(page, site, held)
    expect(page.get_by_text("A person looked at the result and did not accept it.")).to_be_visible()
    expect(page.get_by_text("closed shop")).to_have_count(0)
    check(page, "held-04-owner")
