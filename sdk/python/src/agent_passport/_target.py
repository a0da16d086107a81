"""Two spellings of one URL, compared as RFC 9449 section 4.3 asks: after RFC 3986 section 6.2.2-3."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]|[\\\"<>^`{|}]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
URL_CHARACTERS = 4096


@lru_cache(maxsize=2048)
def normalise(url: str) -> str:
    """Scheme, host, port and path in their one form; query and fragment dropped.

    Raises ValueError when it is no absolute http URL, or names a user.
    """
    if len(url) > URL_CHARACTERS or _STRAY.search(url):
        raise ValueError("not a URL")
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise ValueError("not an absolute http URL")
    port = parts.port
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        authority = f"{authority}:{port}"
    return f"{scheme}://{authority}{_path(parts.path)}"


def _path(path: str) -> str:
    path = _ESCAPE.sub(_unescape, path)
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _unescape(escape: "re.Match[str]") -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else f"%{escape[1].upper()}"


def origin_of(url: str) -> str:
    """``https://host:port`` in its one form. Raises ValueError."""
    scheme, _, rest = normalise(url).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
