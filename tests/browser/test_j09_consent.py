"""J9: an agent asks a person, in their browser: sign-in on the way, consent, refusal, and taking it back."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from passport.agents.models import Agent
from passport.consents.models import Consent
from passport.protocol import AUTHORIZATION_CODE
from passport.signing import keys
from tests.browser.conftest import check, enter
from tests.cast import MODEL, TokenEndpoint, hire, open_account, open_service
from tests.passport.oauth.consenting import VERIFIER, ask, let_ask
from tests.people import PASSWORD, give_totp, person, totp_now

pytestmark = pytest.mark.browser

CALLBACK = "http://127.0.0.1:49152/cb"


@pytest.fixture
def asks(page: Page, site: str, transactional_db: None) -> str:
    """The address that Alice's agent sends people to; what comes back to it is answered in the browser."""
    keys.ensure_keys()
    open_service(MODEL, bound=False)
    scout = let_ask(
        hire(open_account("alice"), "Scout"), "http://127.0.0.1/cb", application_type="native", public=True
    )
    page.route(
        f"{CALLBACK}*",
        lambda route: route.fulfill(body="<h1>Back at the client</h1>", content_type="text/html"),
    )
    return site + ask(scout.id, redirect_uri=CALLBACK, scope="model:infer model:embed")


def came_back(page: Page) -> dict[str, str]:
    expect(page.get_by_role("heading", name="Back at the client")).to_be_visible()
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_person_signs_in_with_their_second_factor_is_asked_and_agrees(
    asks: str, page: Page, site: str, client
) -> None:
    dora = person("dora@people.example")
    secret = give_totp(dora)
    page.goto(asks)
    page.get_by_label("E-mail address").fill(dora.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("input[name=code]").fill(totp_now(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Scout asks to act for you")).to_be_visible()
    expect(page.get_by_text("lets an agent infer")).to_be_visible()
    expect(page.get_by_text("127.0.0.1:49152")).to_be_visible()
    check(page, "j09-1-consent")
    page.get_by_role("button", name="Allow").click()
    said = came_back(page)
    assert (said["state"], said["iss"]) == ("s-1", site)
    form = {"grant_type": AUTHORIZATION_CODE, "code": said["code"], "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER, "client_id": Agent.objects.get().client_id}  # fmt: skip
    assert TokenEndpoint(client).post(form).status_code == 200
    page.goto(f"{site}/grants/")
    expect(page.get_by_role("heading", name="What acts for you")).to_be_visible()
    check(page, "j09-2-grants")
    page.get_by_role("link", name="Withdraw… Scout").click()
    expect(page.get_by_role("heading", name="Stop Scout acting for you")).to_be_visible()
    check(page, "j09-3-withdraw")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("It can no longer act for you.")).to_be_visible()
    assert Consent.objects.get().ended_reason == "withdrawn"


def test_a_person_refuses_by_keyboard_and_the_client_is_told(asks: str, page: Page, site: str) -> None:
    enter(page, site, person("dora@people.example"))
    page.goto(asks)
    page.get_by_role("button", name="Refuse").focus()
    page.keyboard.press("Enter")
    said = came_back(page)
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "s-1", site)


def test_a_request_that_goes_nowhere_says_so(asks: str, page: Page, site: str) -> None:
    enter(page, site, person("dora@people.example"))
    page.goto(asks.replace("49152%2Fcb", "49152%2Fother"))
    expect(page.get_by_role("heading", name="This request was refused")).to_be_visible()
    check(page, "j09-4-refused", status_is_error=True)
    page.goto(f"{site}/grants/")
    expect(page.get_by_text("Nothing acts for you")).to_be_visible()
