"""Reads a request's body, of which no more is taken in than is allowed."""

from django.http import HttpRequest
from django.http.request import RawPostDataException


class BodyTooLong(Exception):
    """Longer than the door admits."""


class BodyUnreadable(Exception):
    """The client went away, or the stream broke."""


def read_body(request: HttpRequest, most: int) -> bytes:
    """At most ``most`` bytes. Raises BodyTooLong, BodyUnreadable."""
    try:
        body = request.read(most + 1)
    except (OSError, ValueError, RawPostDataException) as broken:
        # ValueError: a client that hung up closes the stream under a view that has not read it yet.
        raise BodyUnreadable from broken
    if len(body) > most:
        raise BodyTooLong
    return body
