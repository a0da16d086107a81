"""People and their browsers, made without the pages that the tests of those pages go through."""

import time
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings
from django.test import Client

from accounts.people.models import User

PASSWORD = "correct-horse-battery"


def person(email: str, **fields: Any) -> User:
    """Signed up and confirmed."""
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def give_totp(user: User) -> str:
    """Gives the secret; ``totp_now`` makes codes of it."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def totp_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def browser(user: User | None = None, *, factor: bool = False, **defaults: Any) -> Client:
    """A client of the test server, signed in as ``user``; with ``factor`` a second one was just shown."""
    client = Client(headers={"Accept": "text/html"}, **defaults)
    if user is not None:
        client.force_login(user)
    if user is not None and factor:
        if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            give_totp(user)
        show_factor(client, user, at=time.time())
    return client


def show_factor(client: Client, user: User, *, at: float) -> None:
    """Note in the client's session that a second factor was shown at Unix time ``at``."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(
        client.cookies[settings.SESSION_COOKIE_NAME].value
    )
    store["account_authentication_methods"] = [
        {"method": "mfa", "type": "totp", "at": at, "reauthenticated": True}
    ]
    store["account_authentication_methods_user"] = str(user.pk)
    store.save()
