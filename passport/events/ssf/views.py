"""The door of receivers: configuration, streams, subjects, verification, polling. Parse, call, answer."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from foundation import clock
from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body
from foundation.web.problems import NO_STORE, OVERLOAD, problem
from passport.admission.presented import admit_service
from passport.conf import issuer
from passport.errors import OAuthError
from passport.events.ssf import asking, poll, streams
from passport.events.ssf.bodies import MOST_BYTES, read_object, text
from passport.events.ssf.configuration import describe_transmitter
from passport.events.ssf.refusals import BadCall, StreamRefused, TooLong
from passport.proofs.service_tokens import Presented
from passport.services.models import Service

log = structlog.get_logger()

RETRY_SECONDS = "5"
READ, MANAGE = "ssf.read", "ssf.manage"

type Answer = Callable[..., HttpResponse]


@require_GET
def configuration(request: HttpRequest) -> HttpResponse:
    """GET /.well-known/ssf-configuration (SSF 1.0 section 7)."""
    headers = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(describe_transmitter(issuer()), headers=headers)


def door(**answers: tuple[str, Answer]) -> Callable[..., HttpResponse]:
    """One path: for each method the scope it asks for, and what answers."""

    @csrf_exempt
    def view(request: HttpRequest, **named: str) -> HttpResponse:
        found = answers.get(str(request.method))
        if found is None:
            return HttpResponseNotAllowed(sorted(answers))
        scope, answer = found
        try:
            service = admit_receiver(request, scope)
            return answer(request, service, **named)
        except OAuthError as refusal:
            return problem(
                refusal.status, refusal.code, "Refused", refusal.description, headers=refusal.headers
            )
        except StreamRefused as refusal:
            return problem(
                refusal.status, refusal.kind, "Refused", refusal.description, headers=refusal.headers
            )
        except (DatabaseError, InterfaceError) as away:
            log.error("stream_door_unavailable", error=type(away).__name__, scope=scope)
            detail = "the server cannot answer now; send the same again"
            return problem(503, OVERLOAD, "Unavailable", detail, headers={"Retry-After": RETRY_SECONDS})

    return view


def admit_receiver(request: HttpRequest, scope: str) -> Service:
    """SSF-01. Raises BadCall for a token in the address, and as ``read_service_token``."""
    if "access_token" in request.GET:
        raise BadCall("a token goes into the Authorization header, never into an address")
    presented = Presented.of(request.headers, method=request.method, url=issuer() + request.path)
    return admit_service(presented, scope=scope, issuer=issuer(), now=clock.now())


def content_of(request: HttpRequest, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Raises BadCall, TooLong."""
    try:
        body = read_body(request, MOST_BYTES)
    except BodyTooLong:
        raise TooLong(f"the body is longer than {MOST_BYTES} bytes") from None
    except BodyUnreadable:
        raise BadCall("the body could not be read") from None
    return {} if may_be_empty and not body else read_object(body)


def said(content: Mapping[str, Any] | list[dict[str, Any]], status: int = 200) -> HttpResponse:
    return JsonResponse(content, status=status, safe=False, headers=NO_STORE)


def nothing(status: int) -> HttpResponse:
    return HttpResponse(status=status, headers=NO_STORE)


def _create(request: HttpRequest, service: Service) -> HttpResponse:
    stream = streams.create(service, content_of(request), issuer(), now=clock.now())
    return said(streams.describe(stream, issuer()), 201)


def _read(request: HttpRequest, service: Service) -> HttpResponse:
    if "stream_id" in request.GET:
        stream = streams.get_stream(service, request.GET["stream_id"])
        return said(streams.describe(stream, issuer()))
    return said([streams.describe(stream, issuer()) for stream in streams.streams_of(service)])


def _change(*, replace: bool) -> Answer:
    def change(request: HttpRequest, service: Service) -> HttpResponse:
        content = content_of(request)
        stream = streams.get_stream(service, _named(content))
        changed = streams.change(stream, content, issuer(), replace=replace, now=clock.now())
        return said(streams.describe(changed, issuer()))

    return change


def _delete(request: HttpRequest, service: Service) -> HttpResponse:
    streams.delete(streams.get_stream(service, _asked_for(request)), now=clock.now())
    return nothing(204)


def _status(request: HttpRequest, service: Service) -> HttpResponse:
    return said(streams.describe_status(streams.get_stream(service, _asked_for(request))))


def _set_status(request: HttpRequest, service: Service) -> HttpResponse:
    content = content_of(request)
    stream = streams.get_stream(service, _named(content))
    status, reason = _text(content, "status"), text(content, "reason", most=300)
    return said(streams.describe_status(streams.set_status(stream, status, reason, now=clock.now())))


def _add(request: HttpRequest, service: Service) -> HttpResponse:
    content = content_of(request)
    asking.add_subject(streams.get_stream(service, _named(content)), content)
    return nothing(200)


def _remove(request: HttpRequest, service: Service) -> HttpResponse:
    content = content_of(request)
    asking.remove_subject(streams.get_stream(service, _named(content)), content)
    return nothing(204)


def _verify(request: HttpRequest, service: Service) -> HttpResponse:
    content = content_of(request)
    asking.ask_verification(streams.get_stream(service, _named(content)), content, now=clock.now())
    return nothing(204)


def _poll(request: HttpRequest, service: Service, stream_id: str) -> HttpResponse:
    stream = streams.get_stream(service, stream_id)
    if stream.method != stream.Method.POLL:
        raise BadCall("this stream is pushed, not polled")
    asked = poll.read_poll(content_of(request, may_be_empty=True))
    return said(poll.poll(stream, asked, issuer(), now=clock.now()))


def _named(content: Mapping[str, Any]) -> str:
    """The ``stream_id`` of a body. Raises BadCall."""
    return _text(content, "stream_id")


def _asked_for(request: HttpRequest) -> str:
    """The ``stream_id`` of an address. Raises BadCall."""
    return _text(request.GET, "stream_id")


def _text(content: Mapping[str, Any], name: str) -> str:
    return text(content, name, most=200, required=True)


stream_door = door(
    GET=(READ, _read),
    POST=(MANAGE, _create),
    PATCH=(MANAGE, _change(replace=False)),
    PUT=(MANAGE, _change(replace=True)),
    DELETE=(MANAGE, _delete),
)
status_door = door(GET=(READ, _status), POST=(MANAGE, _set_status))
add_door = door(POST=(MANAGE, _add))
remove_door = door(POST=(MANAGE, _remove))
verify_door = door(POST=(MANAGE, _verify))
poll_door = door(POST=(READ, _poll))
