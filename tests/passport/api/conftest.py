"""Alice owns an account, Bob is her developer, Vera may look; Carol is a stranger."""

from typing import Any

import pytest

from tests.cast import open_account
from tests.passport.api.calling import Api
from tests.passport.oauth.consenting import Person
from tests.passport.oauth.managing import CommandLine, join, with_factor


@pytest.fixture
def account(house: None) -> Any:
    return open_account("alices")


@pytest.fixture
def enter(endpoint: Any, account: Any) -> Any:
    """Somebody with a role logs in, and calls."""

    def entered(name: str, role: str, *, of: Any = account, scope: str | None = None) -> Api:
        person = with_factor(join(Person(f"{name}@people.example"), of, role))
        terminal = CommandLine(endpoint)
        more = {"scope": scope} if scope else {}
        return Api(terminal.logs_in(person, of, **more), terminal.key, person)

    return entered


@pytest.fixture
def alice(enter: Any) -> Api:
    return enter("alice", "owner")
