"""J4, J5: an agent registered in a browser, with a key made there or pasted; a private key is refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.owners.models import Account, Membership
from attestation.evidence.models import AccountLevel
from foundation import clock
from passport.agents.models import Agent, AgentKey
from passport.services.registration import ScopeSpec, create_service
from tests.browser.conftest import check, enter
from tests.people import person

pytestmark = pytest.mark.browser

PRIVATE = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "A" * 43}


@pytest.fixture
def wizard(page: Page, site: str) -> str:
    """Alice, signed in with a fresh factor, at the first step."""
    alice = person("alice@example.com")
    account = Account.objects.create(name="Alice Ltd")
    Membership.objects.create(account=account, user=alice, role="owner")
    later = clock.now() + timedelta(days=30)
    levels = {
        "identity": "document",
        "payment": "instrument",
        "identity_until": later,
        "payment_until": later,
    }
    AccountLevel.objects.create(account=account, environment="sandbox", **levels)
    create_service(
        account_id=None, name="Model API", audience="https://models.example", environment="sandbox",
        scopes=[ScopeSpec("model:infer", "Ask the model"), ScopeSpec("vault:write", "Write", least_payment="charged")],
        issuer_scopes=[], actor="system:test", now=clock.now(),
    )  # fmt: skip
    enter(page, site, alice, factor=True)
    address = f"{site}/a/{account.pk}/agents/new/"
    page.goto(address)
    return address


def tell_about_it(page: Page) -> None:
    page.get_by_label("Name").fill("Scout")
    page.get_by_role("button", name="Next: its key").click()


def test_a_key_made_in_the_browser_never_sends_its_private_part(wizard: str, page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    check(page, "j04-1-about")
    tell_about_it(page)
    page.get_by_role("button", name="Make a key").click()
    check(page, "j04-2-key")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the private key").click()
    saved = json.loads(Path(download.value.path()).read_text())
    expect(page.get_by_role("button", name="Next: services and scopes")).to_be_disabled()
    page.get_by_label("I have saved the file").check()
    page.get_by_role("button", name="Next: services and scopes").click()
    check(page, "j04-3-scopes")
    expect(page.get_by_label("vault:write")).to_be_disabled()
    page.get_by_label("model:infer").check()
    page.get_by_role("button", name="Next: check").click()
    check(page, "j04-4-check")
    page.get_by_role("button", name="Register the agent").click()
    check(page, "j04-5-registered")
    assert AgentKey.objects.get().thumbprint == saved["kid"]
    assert not [body for body in sent if saved["d"] in body]


def test_a_pasted_private_key_is_refused_and_not_shown_again(wizard: str, page: Page) -> None:
    tell_about_it(page)
    page.get_by_label("Public key (JWK)").fill(json.dumps(PRIVATE))
    page.get_by_role("button", name="Next: services and scopes").click()
    expect(page.get_by_text("private").first).to_be_visible()
    check(page, "j05-1-private-refused")
    assert PRIVATE["d"] not in page.content()
    assert not Agent.objects.exists()
