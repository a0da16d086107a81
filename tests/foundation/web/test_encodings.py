"""What a caller says of the encoding of a form."""

from io import BytesIO

import pytest
from django.test import RequestFactory

from foundation.web.handlers import Utf8ASGIRequest, Utf8WSGIRequest

FORM = b"b=%C3%A9"
CHARSETS = ["hex", "rot13", "idna", "punycode", "undefined", "utf-16", "utf-8", "none"]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_form_is_utf_8_whatever_its_sender_says(interface: str, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    asked = by_wsgi(kind) if interface == "wsgi" else by_asgi(kind)
    assert (asked.GET["a"], asked.POST["b"]) == ("A", "\u00e9")


def by_wsgi(kind: str) -> Utf8WSGIRequest:
    environ = RequestFactory()._base_environ(
        REQUEST_METHOD="POST", QUERY_STRING="a=%41", CONTENT_TYPE=kind, CONTENT_LENGTH=str(len(FORM))
    )
    return Utf8WSGIRequest({**environ, "wsgi.input": BytesIO(FORM)})


def by_asgi(kind: str) -> Utf8ASGIRequest:
    scope = {
        "type": "http", "method": "POST", "path": "/x", "query_string": b"a=%41",
        "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(FORM)).encode())],
    }  # fmt: skip
    return Utf8ASGIRequest(scope, BytesIO(FORM))
