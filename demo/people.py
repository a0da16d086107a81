"""Developers of the story: they sign up, prove who they are, and register agents."""

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from agent_passport import AgentKey
from demo.browser import Browser, totp

PASSWORD = "a long enough pass phrase 7"


@dataclass
class Developer:
    name: str
    browser: Browser
    email: str
    totp_secret: str = ""
    account: str = ""
    agents: list[tuple[str, AgentKey]] = field(default_factory=list)


def sign_up(name: str, browser: Browser, run: str) -> Developer:
    """E-mail and password, the link of the confirmation mail, an account, a second factor."""
    person = Developer(name, browser, f"{name.lower()}.{run}@demo.example")
    browser.open("/accounts/signup/")
    browser.submit("signup", email=person.email, password1=PASSWORD, password2=PASSWORD)
    confirm(person)
    sign_in(person)
    browser.open("/accounts/new/")
    browser.submit("", name=f"{name} {run}", kind="organisation")
    person.account = re.search(r"/a/(acc_\w+)/", str(browser.page.url))[1]  # type: ignore[index]
    browser.open("/accounts/2fa/totp/activate/")
    if "reauthenticate" in str(browser.page.url):
        browser.submit("reauthenticate", password=PASSWORD)
    person.totp_secret = browser.find(r'id="authenticator_secret">\s*([A-Z2-7]+)')
    browser.submit("totp/activate", code=totp(person.totp_secret))
    return person


def confirm(person: Developer) -> None:
    browser = person.browser
    browser.open(f"/dev/mail?to={person.email}")
    browser.open(browser.find(r'href="([^"]*/accounts/confirm-email/[^"]+)"'))
    browser.submit("confirm-email")


def sign_in(person: Developer) -> None:
    browser = person.browser
    browser.open("/accounts/login/")
    browser.submit("login", login=person.email, password=PASSWORD)


def sign_in_with_factor(browser: Browser, email: str, password: str, secret: str) -> None:
    browser.open("/accounts/login/")
    browser.submit("login", login=email, password=password)
    browser.submit("authenticate", code=totp(secret))


def prove(person: Developer, *, document: str, card: str) -> None:
    """Identity and payment at the sandbox provider: its hosted page, and the webhooks that follow."""
    go_through(person, "identity", "document", document=document)
    go_through(person, "payment", "instrument", number=card, expiry="12/34", code="123")
    wait_until_decided(person)


def go_through(person: Developer, kind: str, level: str, **fields: str) -> None:
    """One proof: to the hosted page, what it asks, and back."""
    browser = person.browser
    browser.open(verification_page(person))
    token = browser.find(r'name="csrfmiddlewaretoken" value="([^"]+)"')
    data = {"csrfmiddlewaretoken": token, "environment": "sandbox", "kind": kind, "level": level}
    browser.page = browser.http.post(
        f"{browser.issuer}/a/{person.account}/verification/start/",
        data=data,
        headers={"Referer": str(browser.page.url), "Origin": browser.issuer},
    )
    browser.submit("", **fields)


def wait_until_decided(person: Developer) -> str:
    """What the page of proofs says when nothing is open any more."""
    page = verification_page(person)
    return person.browser.wait_for(page, lambda text: "Pending" not in text and "Processing" not in text)


def verification_page(person: Developer) -> str:
    return f"/a/{person.account}/verification/?environment=sandbox"


def register_agent(person: Developer, name: str, scopes: list[str], services: list[dict[str, Any]]) -> str:
    """The wizard, a page a step, with a key whose private part stays here."""
    key = AgentKey.generate()
    browser = person.browser
    browser.open(f"/a/{person.account}/agents/new/")
    browser.submit("", name=name, purpose="Tells the story.", software="demo", environment="sandbox")
    browser.submit("", jwk=json.dumps(key.public_jwk))
    chosen = [
        f"{service['client_id']} {scope}"
        for service in services
        for scope in service["scopes"]
        if scope in scopes
    ]
    browser.submit("", scopes=chosen)
    browser.submit("")
    client_id = re.search(r"/agents/(agent_\w+)/", str(browser.page.url))[1]  # type: ignore[index]
    person.agents.append((client_id, key))
    return client_id


def card_number(rng: random.Random) -> str:
    """An ordinary test card: 16 digits that pass the Luhn check (ISO/IEC 7812-1)."""
    digits = "42" + "".join(rng.choice("0123456789") for _ in range(13))
    total = sum(
        int(d) * 2 - 9 * (int(d) * 2 > 9) if place % 2 == 0 else int(d) for place, d in enumerate(digits)
    )
    return digits + str(-total % 10)
