"""Where an authorization response may be sent: what may be registered, and what matches it. Pure.

The comparison is of strings, character by character (RFC 9700 section 2.1). Only a loopback
redirect of an installed application may name another port than it registered (RFC 8252
section 7.3), for the port is not known before it listens.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

WEB, NATIVE = "web", "native"
"""``application_type`` of RFC 7591."""
MAX_CHARACTERS = 2000
VISIBLE = re.compile("[!-~]+")
LOOPBACK = re.compile(
    r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>(?:[/?].*)?)"
)
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
"""RFC 8252 section 7.1: the reverse of a domain name, hence with a dot."""
MAX_PORT = 65535


class BadRedirectUri(ValueError):
    """The message may be shown to whoever registers the client."""


def check_redirect_uri(uri: str, *, application_type: str) -> None:
    """Refuse what must not be registered (DCR-04). Raises BadRedirectUri."""
    if not VISIBLE.fullmatch(uri) or len(uri) > MAX_CHARACTERS or "\\" in uri:
        raise BadRedirectUri(f"a redirect URI has at most {MAX_CHARACTERS} visible ASCII characters")
    if "#" in uri or "*" in uri:
        raise BadRedirectUri("a redirect URI has no fragment and no wildcard")
    try:
        parts = urlsplit(uri)
        port_is_good = parts.port != 0
    except ValueError:
        raise BadRedirectUri("a redirect URI is an absolute URI") from None
    if "@" in parts.netloc or parts.netloc.endswith(":") or not port_is_good:
        raise BadRedirectUri("a redirect URI names a host, without user, and a port only where it has one")
    if uri.startswith("https://") and parts.hostname:
        return
    if is_loopback(uri) and (application_type == NATIVE or parts.hostname != "localhost"):
        return
    if application_type == NATIVE and not parts.netloc and _is_private(uri):
        return
    raise BadRedirectUri(
        "a redirect URI is https; of an installed application also http on the loopback interface, "
        "or of a scheme of its own such as com.example.app"
    )


def is_registered(asked: str, registered: Iterable[str], *, application_type: str) -> bool:
    """Whether a response may go to ``asked`` (AC-01, AC-02)."""
    return any(matches(asked, one, application_type=application_type) for one in registered)


def matches(asked: str, registered: str, *, application_type: str) -> bool:
    if asked == registered:
        return True
    here, there = LOOPBACK.fullmatch(asked), LOOPBACK.fullmatch(registered)
    if here is None or there is None or int(here["port"] or 80) > MAX_PORT:
        return False
    if here["host"] == "localhost" and application_type != NATIVE:
        return False
    return (here["host"], here["rest"]) == (there["host"], there["rest"])


def is_loopback(uri: str) -> bool:
    """Whether the response stays on the person's own machine."""
    return LOOPBACK.fullmatch(uri) is not None


def application_type_of(uris: Iterable[str]) -> str:
    """What a client is that did not say: an installed application if no redirect leaves the machine."""
    uris = list(uris)
    return NATIVE if uris and not any(uri.startswith("https://") for uri in uris) else WEB


def host_of(uri: str) -> str:
    """Where the response goes, as a person reads it: host and port, or the scheme of an application."""
    parts = urlsplit(uri)
    return parts.netloc or f"{parts.scheme}:"


def _is_private(uri: str) -> bool:
    scheme, colon, rest = uri.partition(":")
    return bool(colon and rest and PRIVATE_SCHEME.fullmatch(scheme))
