"""One request as a verifier sees it, and where the access token stands in it (RFC 9449 section 7.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from agent_passport._refusals import Refused

_CREDENTIALS = re.compile(r"(DPoP|Bearer) +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
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
    match = _CREDENTIALS.fullmatch(values[0].strip())
    if match is None and re.match(r"(DPoP|Bearer)\b", values[0].strip(), re.IGNORECASE):
        raise Refused("invalid_token", "the access token is malformed")
    if match is None:
        raise Refused("missing", "send an access token under the scheme DPoP")
    return match[2], match[1].lower() == "dpop"


def _names_token(encoded: str) -> bool:
    if "access_token" not in encoded and "%" not in encoded:
        return False
    return any(name == "access_token" for name, _ in parse_qsl(encoded, keep_blank_values=True))
