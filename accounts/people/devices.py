"""Browsers: a random cookie that tells them apart, and which of them a person has signed in from.

The second is a signed cookie, not a table: losing it costs a person nothing but the better place
when somebody else guesses at the password.
"""

import re
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

DEVICE_COOKIE = "ap_device"
KNOWN_COOKIE = "ap_known"
YEAR_SECONDS = 365 * 86400
MOST_PEOPLE = 5
"""How many people one browser remembers having served."""
GOOD_DEVICE = re.compile(r"[A-Za-z0-9_-]{43}")


def read_device(request: HttpRequest) -> str | None:
    """The browser's own random value, or None for a new one or for anything we did not make."""
    value = request.COOKIES.get(DEVICE_COOKIE, "")
    return value if GOOD_DEVICE.fullmatch(value) else None


def new_device() -> str:
    return secrets.token_urlsafe(32)


def keep(response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=YEAR_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def tag(email: str) -> str:
    return salted_hmac("people.known", email.strip().lower(), algorithm="sha256").hexdigest()[:32]


def known_tags(request: HttpRequest) -> list[str]:
    """Tags of the people who signed in from this browser, the latest first."""
    device = read_device(request)
    try:
        value = signing.loads(
            request.COOKIES.get(KNOWN_COOKIE, ""), salt=f"people.known:{device}", max_age=YEAR_SECONDS
        )
    except signing.BadSignature:
        return []
    if device is None or not isinstance(value, list):
        return []
    return [str(entry) for entry in value][:MOST_PEOPLE]


def has_served(request: HttpRequest, email: str) -> bool:
    """Whether the person with this address signed in from this browser before."""
    wanted = tag(email)
    return any(constant_time_compare(wanted, held) for held in known_tags(request))


def sign_tags(device: str, tags: list[str]) -> str:
    return signing.dumps(tags[:MOST_PEOPLE], salt=f"people.known:{device}")
