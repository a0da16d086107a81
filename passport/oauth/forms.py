"""Reads the form of a protocol request: strictly, and before anything is looked up."""

import re
from collections.abc import Mapping
from typing import overload
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest

from foundation.web import bodies
from passport.errors import InvalidRequest

CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_BYTES = 64 * 1024
MAX_PARAMETERS = 100
REPEATABLE = frozenset({"resource", "audience"})
"""RFC 8707 section 2, RFC 8693 section 2.1."""
BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Form:
    """The parameters of one request. An empty value is an absent one (RFC 6749 section 3.2)."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value. Only ``resource`` and ``audience`` can have more: see ``get_all``."""
        values = self._values.get(name)
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        return list(self._values.get(name, ()))

    def require(self, name: str) -> str:
        """Raises InvalidRequest when it is absent."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing")
        return value

    def __contains__(self, name: str) -> bool:
        return name in self._values


def read_form(request: HttpRequest) -> Form:
    """The form in the body of a POST. Raises InvalidRequest (refusals TOK-01 to TOK-04, TOK-06, TOK-07)."""
    media_type, _, parameters = request.headers.get("Content-Type", "").partition(";")
    if media_type.strip().lower() != CONTENT_TYPE:
        raise InvalidRequest(f"the content type must be {CONTENT_TYPE}")
    charset = parameters.strip().lower().replace('"', "")
    if charset not in {"", "charset=utf-8"}:
        raise InvalidRequest("the charset must be UTF-8")
    if request.META.get("QUERY_STRING"):
        raise InvalidRequest("parameters belong in the body, not in the query string")
    return parse_form(read_body(request))


def read_body(request: HttpRequest, *, most: int = MAX_BYTES) -> bytes:
    """The body, of which no more is read than is allowed. Raises InvalidRequest (413 when too long)."""
    try:
        return bodies.read_body(request, most)
    except bodies.BodyUnreadable as broken:
        raise InvalidRequest("the body could not be read") from broken
    except bodies.BodyTooLong:
        raise InvalidRequest(f"the body is longer than {most} bytes", status=413) from None


def parse_form(body: bytes) -> Form:
    """The parameters of ``application/x-www-form-urlencoded`` text in UTF-8. Raises InvalidRequest."""
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise InvalidRequest(f"more than {MAX_PARAMETERS} parameters", status=413)
    values: dict[str, list[str]] = {}
    for name, _, value in (pair.partition(b"=") for pair in pairs):
        values.setdefault(_decode(name), []).append(_decode(value))
    for repeated in (name for name, given in values.items() if len(given) > 1):
        if repeated not in REPEATABLE:
            raise InvalidRequest(f"{repeated[:40]} is repeated")
    kept = {name: [value for value in given if value] for name, given in values.items()}
    return Form({name: given for name, given in kept.items() if given})


def _decode(part: bytes) -> str:
    if BROKEN_ESCAPE.search(part):
        raise InvalidRequest("the percent-encoding is broken")
    plain = part.replace(b"+", b" ")
    try:
        text = (unquote_to_bytes(plain) if b"%" in plain else plain).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("the parameters are not UTF-8") from None
    if "\0" in text:
        raise InvalidRequest("a parameter contains NUL")
    return text
