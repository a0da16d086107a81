"""Every page of signing in that can be reached is ours, whole, and free of inline style and script."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.people.models import User
from tests import people

ANYBODY = [
    "login/", "signup/", "inactive/", "confirm-email/", "confirm-email/MQ:none/", "password/reset/",
    "password/reset/done/", "password/reset/key/1-set-password/", "password/reset/key/done/",
]  # fmt: skip
SIGNED_IN = [
    "2fa/", "2fa/totp/deactivate/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/", "2fa/webauthn/",
    "2fa/webauthn/add/", "2fa/webauthn/keys/{passkey}/edit/", "2fa/webauthn/keys/{passkey}/remove/",
    "2fa/reauthenticate/", "email/", "logout/", "password/change/",
]  # fmt: skip


def check(client: Client, path: str) -> None:
    answer = client.get(f"/accounts/{path}")
    page = answer.content.decode()
    assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
    assert page.count("<h1") == 1
    assert "ap/tokens.css" in page
    assert not re.search(r"\sstyle=|<style|\son\w+=|href=\"javascript", page)
    assert all("src=" in tag or "json" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "{%" not in page


@pytest.mark.parametrize("path", ANYBODY)
def test_pages_for_anybody(db: None, path: str) -> None:
    check(people.browser(), path)


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_for_who_is_signed_in(as_alice: Client, alice: User, path: str) -> None:
    if "{passkey}" in path:
        data = {"name": "Laptop", "credential": {}}
        path = path.format(passkey=Authenticator.objects.create(user=alice, type="webauthn", data=data).pk)
    check(as_alice, path)


def test_the_page_that_asks_for_the_second_factor(alice: User) -> None:
    people.give_totp(alice)
    client = people.browser()
    client.post("/accounts/login/", {"login": alice.email, "password": people.PASSWORD})
    check(client, "2fa/authenticate/")


def test_too_many_tries_get_a_page_too(db: None) -> None:
    client = people.browser()
    answers = [client.post("/accounts/password/reset/", {"email": "x@example.com"}) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "Too many tries" in answers[-1].content.decode()
