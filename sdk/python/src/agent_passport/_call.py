"""One request as a verifier sees it, and where the access token stands in it (RFC 9449 section 7.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from agent_passport._refusals import Refused

_SCHEME = re.compile(r"(DPoP|Bearer)\b", re.IGNORECASE)
_SCHEMES = frozenset({"dpop", "bearer"})
_TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/-"
"""RFC 6750 section 2.1; `=` may follow."""
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Call:
    """``target`` is the path with its query, as it came, percent-encoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    form: bytes = b""
    """The body, if it is a form: a token in it is refused (DPOP-18)."""

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found.lower() == name]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0].partition("#")[0]


def make_call(method: str, target: str, headers: Iterable[tuple[str, str]], form: bytes = b"") -> Call:
    return Call(method, target, tuple(headers), form)


def read_token(call: Call) -> tuple[str, bool]:
    """The token, and whether it came under the scheme DPoP. Raises Refused."""
    _, _, query = call.target.partition("?")
    if _names_token(query) or _names_token(call.form.decode("utf-8", "replace")):
        raise Refused("invalid_request", "an access token goes into the Authorization header")
    values = call.values("authorization")
    if len(values) > 1:
        raise Refused("invalid_request", "send one Authorization header")
    if not values:
        raise Refused("missing", "send an access token")
    value = values[0].strip()
    scheme, _, token = value.partition(" ")
    token = token.lstrip(" ")
    if scheme.lower() in _SCHEMES and _is_token(token):
        return token, scheme.lower() == "dpop"
    if _SCHEME.match(value):
        raise Refused("invalid_token", "the access token is malformed")
    raise Refused("missing", "send an access token under the scheme DPoP")


def _is_token(text: str) -> bool:
    # A regular expression takes a third of the time of a signature check for a long token.
    body = text.rstrip("=").encode("utf-8", "replace")
    return bool(body) and not body.translate(None, _TOKEN)


def _names_token(encoded: str) -> bool:
    if "access_token" not in encoded and "%" not in encoded:
        return False
    return any(name == "access_token" for name, _ in parse_qsl(encoded, keep_blank_values=True))
