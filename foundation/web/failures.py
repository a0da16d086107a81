"""What is shown when a request cannot be answered: a page for people, problem+json for machines."""

import sys

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext

from foundation.web.problems import problem

RETRY_SECONDS = 10
"""When the database is away and nobody knows for how long."""
NO_STORE = {"Cache-Control": "no-store"}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(
        request,
        400,
        gettext("This request cannot be read"),
        gettext("Something in it is malformed. Go back, reload the page and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = str(exception) if isinstance(exception, PermissionDenied) else ""
    detail = said or gettext("Your role does not include this. Ask an owner of the account.")
    return failure(request, 403, gettext("You may not do this"), detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(
        request,
        404,
        gettext("There is nothing here"),
        gettext("The address may be mistyped, or what it named is gone or is not yours to see."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody caught: our fault, or a database that is away, which passes."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(
            request,
            gettext("We cannot reach our records"),
            gettext("Nothing of yours is lost. Try again in a moment."),
            retry_after_seconds=RETRY_SECONDS,
        )
    return failure(
        request,
        500,
        gettext("Something broke on our side"),
        gettext("Nothing of yours is lost. Try again; if it stays, tell the operator the request id below."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return failure(
        request,
        403,
        gettext("This form is out of date"),
        gettext(
            "It was opened in another session, or cookies are off. Go back, reload the page, send it again."
        ),
    )


def unavailable(request: HttpRequest, heading: str, detail: str, *, retry_after_seconds: int) -> HttpResponse:
    """A pause that people or operators chose, or a part that is away for now."""
    response = failure(request, 503, heading, detail)
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def failure(request: HttpRequest, status: int, heading: str, detail: str) -> HttpResponse:
    """Rendered without context processors: it must work when the database or the session does not."""
    request_id = getattr(request, "request_id", "")
    if not wants_page(request):
        return problem(status, f"http-{status}", heading, detail, request_id=request_id)
    page = {"heading": heading, "detail": detail, "status": status, "request_id": request_id}
    return HttpResponse(render_to_string("web/failure.html", page), status=status, headers=NO_STORE)


def wants_page(request: HttpRequest) -> bool:
    """Browsers name text/html; clients of the protocols name something else or nothing."""
    return "text/html" in request.headers.get("Accept", "")
