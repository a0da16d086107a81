"""A person at a browser, without the browser: pages, forms, cookies, as HTTP."""

import base64
import html
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

TOTP_PERIOD_SECONDS = 30


class PageRefused(Exception):
    """The server answered with something other than the page that was asked for."""


class FormReader(HTMLParser):
    """Collects the fields of every form of a page: names, values, what is ticked."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(
                {
                    "action": values.get("action", ""),
                    "method": values.get("method", "get"),
                    "fields": {},
                    "names": set(),
                }
            )
        elif tag in {"input", "textarea", "select", "button"} and self.forms and values.get("name"):
            self.forms[-1]["names"].add(values["name"])
            ticked = values.get("type") not in {"checkbox", "radio"} or "checked" in values
            if ticked and tag != "button":
                self.forms[-1]["fields"].setdefault(values["name"], values.get("value", ""))


class Browser:
    """Keeps cookies as one browser does."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.http = httpx.Client(
            follow_redirects=True,
            timeout=20,
            headers={"User-Agent": "agent-passport demo", "Accept": "text/html"},
        )
        self.page = httpx.Response(200)

    def open(self, path: str) -> str:
        self.page = self.http.get(urljoin(self.issuer, path))
        return self._checked()

    def submit(self, action_part: str = "", **fields: Any) -> str:
        """Fill in the form whose action holds ``action_part`` on the page that is open, and send it."""
        reader = FormReader()
        reader.feed(self.page.text)
        # The frame of each page has a form of its own, to sign out.
        posts = [f for f in reader.forms if f["method"].lower() == "post" and "logout" not in f["action"]]
        fitting = [f for f in posts if action_part in f["action"] and set(fields) <= f["names"]]
        if not fitting:
            raise PageRefused(
                f"no form {action_part!r} with {sorted(fields)} on {self.page.url}: {self.text()[:300]}"
            )
        form = fitting[0]
        target = urljoin(str(self.page.url), form["action"])
        self.page = self.http.post(
            target,
            data={**form["fields"], **fields},
            headers={"Referer": str(self.page.url), "Origin": self.issuer},
        )
        return self._checked()

    def text(self) -> str:
        """What a person reads on the page."""
        body = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", self.page.text)
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body))).strip()

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.page.text)
        if found is None:
            raise PageRefused(f"{pattern!r} is not on {self.page.url}: {self.text()[:300]}")
        return html.unescape(found.group(1))

    def wait_for(self, path: str, holds: Callable[[str], bool], *, seconds: float = 15) -> str:
        """Load a page again and again, as its polling would, until it shows what is awaited."""
        deadline = time.monotonic() + seconds
        while True:
            self.open(path)
            if holds(self.text()):
                return self.text()
            if time.monotonic() > deadline:
                raise PageRefused(f"{path} never showed it: {self.text()[:400]}")
            time.sleep(0.2)

    def another_session(self) -> "Browser":
        """A further person at the same browser: the device's cookie is shared, nothing else."""
        other = Browser(self.issuer)
        for cookie in self.http.cookies.jar:
            if cookie.name == "ap_device":
                other.http.cookies.jar.set_cookie(cookie)
        return other

    def _checked(self) -> str:
        if self.page.status_code >= 400:
            raise PageRefused(f"{self.page.status_code} for {self.page.url}: {self.text()[:400]}")
        return self.page.text


def totp(secret: str, *, ahead: int = 0) -> str:
    """The code an authenticator app shows (RFC 6238), ``ahead`` periods from now."""
    device = TOTP(base64.b32decode(secret + "=" * (-len(secret) % 8)), 6, SHA1(), TOTP_PERIOD_SECONDS)
    return device.generate(int(time.time()) + ahead * TOTP_PERIOD_SECONDS).decode()
