"""What the settings read from the environment, and the secrets the embedded default makes for itself."""

import base64
import os
import secrets
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

EMBEDDED = "embedded"
PRODUCTION = "production"

# Shown in our own examples, so never a secret.
KNOWN_EXAMPLES = frozenset({"", "change-me", "changeme", "secret", "insecure"})

# What carries messages between machines with what we install. Others lose them, or stay in one process.
BROKERS = ("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps")


def refuse(name: str, why: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name}: {why}")


def read(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def read_flag(name: str, *, default: bool = False) -> bool:
    value = read(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    refuse(name, "is 1 or 0")


def read_number(name: str, default: int, *, least: int, most: int) -> int:
    raw = read(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        refuse(name, f"must be a whole number, not {raw!r}")
    if not least <= value <= most:
        refuse(name, f"must lie within {least} and {most}")
    return value


def read_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in read(name, default).split(",") if part.strip()]


def read_page(name: str) -> str:
    """The address of a page for people; empty: there is none."""
    url = read(name)
    parts = urlsplit(url)
    if url and (
        parts.scheme not in {"https", "http"} or not parts.hostname or not url.isascii() or " " in url
    ):
        refuse(name, "is the absolute URL of a page")
    return url


def read_mode() -> str:
    mode = read("AP_MODE", EMBEDDED)
    if mode not in {EMBEDDED, PRODUCTION}:
        refuse("AP_MODE", f"is {EMBEDDED} or {PRODUCTION}")
    return mode


def require_secret(name: str) -> str:
    value = read(name)
    if value.lower() in KNOWN_EXAMPLES:
        refuse(name, "is not set, or is an example; make one with: python manage.py make_secret")
    if len(value) < 32:
        refuse(name, "is shorter than 32 characters; make one with: python manage.py make_secret")
    return value


def read_broker(name: str) -> str:
    """The broker's URL, or several with ``;`` between; empty when there is none."""
    value = read(name)
    for url in filter(None, value.split(";")):
        if url.partition("://")[0] not in BROKERS or "://" not in url:
            refuse(name, f"begins with one of: {' '.join(f'{scheme}://' for scheme in BROKERS)}")
    return value


def kept_secret(folder: Path, name: str) -> str:
    """The embedded default's own secret: made once, kept in ``folder`` for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def parse_key_ring(name: str, raw: str) -> dict[str, bytes]:
    """``id:base64,id:base64``, newest first, each key 32 bytes or more."""
    ring: dict[str, bytes] = {}
    for part in raw.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            refuse(name, f"the key {key_id!r} is not base64")
        if not key_id.isalnum() or len(key_id) > 16 or len(key) < 32:
            refuse(name, "is a list of id:base64 with ids of letters and digits and keys of 32 bytes or more")
        if key_id in ring:
            refuse(name, f"names {key_id!r} twice")
        ring[key_id] = key
    return ring
