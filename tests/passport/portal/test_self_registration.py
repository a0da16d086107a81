"""The page that makes the token by which an agent registers itself."""

import re
from typing import Any

import pytest

from accounts.owners.accounts import open_account
from accounts.owners.models import Membership
from foundation import clock
from passport.agents.models import InitialToken
from passport.agents.tokens import find_initial_token
from tests.people import browser, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Any:
    return person("alice@example.com")


@pytest.fixture
def page(alice: Any) -> str:
    return f"/a/{open_account(alice, 'Alice', 'person').pk}/agents/token/"


def test_a_member_makes_a_token_that_is_shown_once_and_not_stored(alice: Any, page: str) -> None:
    answer = browser(alice, factor=True).post(page, {"environment": "sandbox"})
    token = re.search(r"iat_[\w-]+", answer.content.decode())
    assert token is not None
    assert "no-store" in answer["Cache-Control"]
    assert find_initial_token(token[0], clock.now()) == InitialToken.objects.get()
    assert token[0] not in browser(alice, factor=True).get(page).content.decode()


def test_looking_at_the_page_makes_nothing(alice: Any, page: str) -> None:
    assert browser(alice, factor=True).get(page).status_code == 200
    assert not InitialToken.objects.exists()


def test_it_asks_for_a_fresh_second_factor(alice: Any, page: str) -> None:
    assert browser(alice).post(page, {"environment": "live"}).status_code == 302
    assert not InitialToken.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("developer", 200), ("viewer", 403), (None, 404)])
def test_only_who_may_register_agents_may_make_one(
    alice: Any, page: str, role: str | None, status: int
) -> None:
    bob = person("bob@example.com")
    if role is not None:
        Membership.objects.create(user=bob, account_id=page.split("/")[2], role=role)
    assert browser(bob, factor=True).post(page, {"environment": "sandbox"}).status_code == status
