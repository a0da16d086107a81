"""What every request carries: an id that pages and logs show."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from foundation.ids import new_id

GOOD_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class RequestIdMiddleware:
    """Gives each request an id and echoes it. A caller's own id is kept where it is harmless."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if GOOD_ID.fullmatch(given) else new_id("req")  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("X-Request-ID", request.request_id)  # type: ignore[attr-defined]
        return response
