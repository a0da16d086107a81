import io

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body


def request_with(body: bytes) -> WSGIRequest:
    return RequestFactory().generic("POST", "/", body, content_type="application/json")


def test_a_body_of_the_admitted_length_is_read_whole() -> None:
    assert read_body(request_with(b"12345"), 5) == b"12345"


def test_a_longer_body_is_refused() -> None:
    with pytest.raises(BodyTooLong):
        read_body(request_with(b"123456"), 5)


def test_a_stream_closed_by_a_client_that_hung_up_is_unreadable() -> None:
    request = request_with(b"12345")
    stream = io.BytesIO(b"12345")
    stream.close()
    request._stream = stream
    with pytest.raises(BodyUnreadable):
        read_body(request, 5)
