"""A page for a person who opens an address that only takes forms: Django's own 405 is blank."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from foundation.web.failures import failure, wants_page

METHOD_NOT_ALLOWED = 405


class MethodPageMiddleware:
    """Puts words into an empty 405; the ``Allow`` header stays."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != METHOD_NOT_ALLOWED or response.content or not wants_page(request):
            return response
        page = failure(
            request,
            METHOD_NOT_ALLOWED,
            gettext("This address takes a form"),
            gettext(
                "It cannot be opened by itself. Go back to the page with the form and send it from there."
            ),
        )
        if "Allow" in response.headers:
            page.headers["Allow"] = response.headers["Allow"]
        return page
