"""Whether two URLs are one: RFC 3986 sections 6.2.2 and 6.2.3, for ``htu`` (RFC 9449 section 4.3)."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
DEFAULT_PORTS = {"http": 80, "https": 443}
VISIBLE = re.compile("[!-~]+")


@lru_cache(maxsize=1024)
def normalise(url: str) -> str | None:
    """Scheme, host, port and path in one spelling; query and fragment dropped.

    None for what is not an absolute http(s) URL, or has user information.
    """
    if not VISIBLE.fullmatch(url) or BROKEN_ESCAPE.search(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    host = ESCAPE.sub(_mend, host).lower()
    host = f"[{host}]" if ":" in host else host
    shown = "" if port is None or port == DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{shown}{_without_dots(ESCAPE.sub(_mend, parts.path))}"


def _mend(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, for a path that is empty or begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
