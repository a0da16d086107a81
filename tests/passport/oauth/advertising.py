"""The metadata document, the parties that hold the server to it, and a check for each of its members."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from passport.services.models import Service
from tests.cast import ISSUER, Actor, TokenEndpoint, granted

CHECKS: dict[str, Callable[["World"], None]] = {}


@dataclass
class World:
    """The document, and the parties that hold the server to it."""

    said: dict[str, Any]
    endpoint: TokenEndpoint
    scout: Actor
    service: Service
    secret: str
    passport: str

    @property
    def browser(self) -> Client:
        return self.endpoint.client

    def basic(self) -> dict[str, str]:
        encoded = base64.b64encode(f"{self.service.id}:{self.secret}".encode()).decode()
        return {"HTTP_AUTHORIZATION": f"Basic {encoded}"}

    def post(self, member: str, form: dict[str, str], **headers: str) -> Any:
        """To the endpoint that the document names."""
        url = urlsplit(self.said[member])
        assert f"{url.scheme}://{url.netloc}" == ISSUER
        body = "&".join(
            f"{name}={re.sub('[+/=:]', lambda m: f'%{ord(m[0]):02X}', value)}" for name, value in form.items()
        )
        kind = "application/x-www-form-urlencoded"
        return self.browser.post(url.path, body, content_type=kind, **headers)

    def access_token(self) -> str:
        return granted(self.endpoint.exchange(self.passport, key=self.scout.key))


def member(*names: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """The check of these members."""

    def keep(check: Callable[[World], None]) -> Callable[[World], None]:
        CHECKS.update(dict.fromkeys(names, check))
        return check

    return keep
