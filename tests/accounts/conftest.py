"""The cast: Alice owns an account, Bob is her developer, Vera may look on, Carol is a stranger."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.owners.accounts import open_account
from accounts.owners.models import Account, Membership
from accounts.people.models import User
from tests import people

# Making a password slow to guess makes every test that signs in slow.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db: None) -> User:
    return people.person("alice@example.com")


@pytest.fixture
def bob(db: None) -> User:
    return people.person("bob@example.com")


@pytest.fixture
def vera(db: None) -> User:
    return people.person("vera@example.com")


@pytest.fixture
def carol(db: None) -> User:
    return people.person("carol@example.com")


@pytest.fixture
def acme(alice: User, bob: User, vera: User) -> Account:
    """Alice's account, with Bob as developer and Vera as viewer."""
    account = open_account(alice, "Acme Robotics", "organisation")
    Membership.objects.create(account=account, user=bob, role="developer")
    Membership.objects.create(account=account, user=vera, role="viewer")
    return account


@pytest.fixture
def as_alice(alice: User) -> Client:
    """A browser in which Alice is signed in and has just shown her second factor."""
    return people.browser(alice, factor=True)
