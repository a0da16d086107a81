"""What a caller says of the encoding of a form."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from foundation.web.requests import Utf8Middleware


@pytest.mark.parametrize(
    "charset", ["hex", "rot13", "idna", "punycode", "undefined", "utf-16", "utf-8", "none"]
)
def test_a_form_is_utf_8_whatever_its_sender_says(charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    request = RequestFactory().generic("POST", "/x?a=%41", b"b=%C3%A9", content_type=kind)
    answer = Utf8Middleware(lambda asked: HttpResponse(asked.GET["a"] + asked.POST["b"]))(request)
    assert answer.content.decode() == "A\u00e9"
