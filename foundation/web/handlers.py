"""Django's own entrances, where queries and forms are UTF-8 whatever ``charset`` a caller names.

The URL Standard reads them so. Django would decode by that name while it makes the request, before any
middleware could answer; and Python knows names that are no text encodings.
"""

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class Utf8WSGIRequest(WSGIRequest):
    @property
    def encoding(self) -> str | None:
        """Django's default."""
        return None

    @encoding.setter
    def encoding(self, val: str) -> None:
        """Not followed."""


class Utf8ASGIRequest(ASGIRequest):
    @property
    def encoding(self) -> str | None:
        """Django's default."""
        return None

    @encoding.setter
    def encoding(self, val: str) -> None:
        """Not followed."""


class Utf8WSGIHandler(WSGIHandler):
    request_class = Utf8WSGIRequest


class Utf8ASGIHandler(ASGIHandler):
    request_class = Utf8ASGIRequest


def wsgi_application() -> WSGIHandler:
    django.setup(set_prefix=False)
    return Utf8WSGIHandler()


def asgi_application() -> ASGIHandler:
    django.setup(set_prefix=False)
    return Utf8ASGIHandler()
