"""The same code, the same refresh token, at the same moment: exactly one wins, and theft is noticed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from passport.consents.models import Consent, RefreshToken
from tests.cast import MODEL, Key, TokenEndpoint, hire, open_account, open_service
from tests.passport.oauth.consenting import Person, Tokens, ask, let_ask

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 6


@pytest.fixture
def asker(house):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    open_service(MODEL, bound=False)
    return let_ask(hire(open_account("alice"), "scout"))


def at_once(act: Callable[[Tokens], Any], actor) -> list[Any]:
    """``act`` by several clients that wait for each other; each with its connection."""
    ready = Barrier(AT_ONCE)

    def one(_: int) -> Any:
        tokens = Tokens(TokenEndpoint(Client()), actor)
        ready.wait(timeout=20)
        try:
            return act(tokens)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_of_one_code_exactly_one_pair_comes_and_the_family_ends(asker) -> None:
    code = Person().gives_code(ask(asker.id))
    answers = at_once(lambda tokens: tokens.redeem(code), asker)
    assert statuses(answers) == [200] + [400] * (AT_ONCE - 1)
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    assert RefreshToken.objects.filter(revoked=None).count() == 0
    assert Consent.objects.get().ended_reason == "code_reused"


def test_of_one_refresh_token_exactly_one_pair_comes_and_the_family_ends(asker, endpoint) -> None:
    pair = Tokens(endpoint, asker).redeem(Person().gives_code(ask(asker.id))).json()
    answers = at_once(lambda tokens: tokens.refresh(pair["refresh_token"]), asker)
    assert statuses(answers) == [200] + [400] * (AT_ONCE - 1)
    assert RefreshToken.objects.filter(revoked=None).count() == 0
    assert Consent.objects.get().ended_reason == "refresh_token_reused"


def test_by_its_own_key_each_gets_a_pair_and_nothing_ends(asker, endpoint) -> None:
    key = Key()
    pair = Tokens(endpoint, asker).redeem(Person().gives_code(ask(asker.id)), proof=key.proof()).json()
    answers = at_once(lambda tokens: tokens.refresh(pair["refresh_token"], proof=key.proof()), asker)
    assert statuses(answers) == [200] * AT_ONCE
    assert len({answer.json()["refresh_token"] for answer in answers}) == AT_ONCE
    assert Consent.objects.get().ended_at is None
