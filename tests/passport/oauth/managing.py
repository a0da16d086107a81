"""A person who manages an account from the command line: the device grant, and the tokens it gives."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.owners.models import Account, Membership
from passport.agents.own_client import CLIENT_ID
from passport.protocol import DEVICE_CODE, REFRESH_TOKEN
from tests.cast import ISSUER, Key, TokenEndpoint, granted
from tests.passport.oauth.consenting import Person
from tests.people import give_totp, show_factor

API = f"{ISSUER}/v1"
DEVICE = f"{ISSUER}/oauth/device_authorization"
ALL = "account.read agents.read agents.write services.read services.write"


def join(person: Person, account: Account, role: str = "owner") -> Person:
    Membership.objects.create(account=account, user=person.user, role=role)
    return person


def with_factor(person: Person) -> Person:
    """A second factor was just shown in the browser, by the wall clock and the tests' own."""
    give_totp(person.user)
    show_factor(person.client, person.user, at=time.time() + 10 * 365 * 86400)
    return person


@dataclass
class CommandLine:
    """The program on the person's machine, with a key of its own."""

    endpoint: TokenEndpoint
    client_id: str = CLIENT_ID
    key: Key = field(default_factory=Key)

    def asks(self, scope: str = ALL, *, proven: bool = True) -> Any:
        said = {"client_id": self.client_id, "resource": API, "scope": scope}
        body = "&".join(f"{name}={value}" for name, value in said.items())
        headers = {"DPoP": self.key.proof(url=DEVICE)} if proven else {}
        return Client().post(
            "/oauth/device_authorization",
            body,
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )

    def polls(self, code: str, *, proven: bool = True) -> Any:
        said = {"grant_type": DEVICE_CODE, "device_code": code, "client_id": self.client_id}
        return self.endpoint.post(said, proof=self.key.proof() if proven else None)

    def refreshes(self, token: str) -> Any:
        said = {"grant_type": REFRESH_TOKEN, "refresh_token": token, "client_id": self.client_id}
        return self.endpoint.post(said, proof=self.key.proof())

    def logs_in(self, person: Person, account: Account, scope: str = ALL) -> str:
        said = self.asks(scope).json()
        page = allows(person, said["user_code"], account.pk)
        assert page.status_code == 200, page.content
        return granted(self.polls(said["device_code"]))


def allows(person: Person, code: str, account_id: str) -> Any:
    page = person.client.post("/device", {"user_code": code}, follow=True)
    assert page.status_code == 200, page.content
    sent = {"decision": "approve", "shown": page.context["shown"], "account": account_id}
    return person.client.post("/device", sent)
