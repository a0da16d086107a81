"""The door for webhooks: check, store once, answer. What they mean is found out by a job."""

from typing import Final

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from attestation.contract import BadWebhook, EventRef, Provider
from attestation.inbox.apply import store
from attestation.inbox.counters import RECEIVED, REFUSED
from attestation.providers.registry import find_provider
from foundation import clock
from foundation.web.bodies import BodyTooLong, BodyUnreadable, read_body

log = structlog.get_logger()

LONGEST_BODY_BYTES: Final = 256 * 1024
RETRY_AFTER_SECONDS: Final = 30


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider_name: str) -> HttpResponse:
    """200 stored, 400 not from the provider, 413 too long, 503 come again: the database is away."""
    provider = find_provider(provider_name)
    if provider is None:
        raise Http404
    try:
        events = read_events(provider, request)
    except BadWebhook as refused:
        REFUSED.labels(provider.name, refused.reason).inc()
        log.warning("webhook_refused", provider=provider.name, reason=refused.reason)
        return HttpResponse(status=413 if refused.reason == "too_long" else 400)
    try:
        store(provider.name, events, clock.now())
    except (OperationalError, InterfaceError) as away:
        log.error("webhook_not_stored", provider=provider.name, error=type(away).__name__)
        return HttpResponse(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    RECEIVED.labels(provider.name).inc(len(events))
    return HttpResponse(status=200)


def read_events(provider: Provider, request: HttpRequest) -> list[EventRef]:
    """Raises BadWebhook, whatever is wrong with the request."""
    try:
        body = read_body(request, LONGEST_BODY_BYTES)
    except BodyUnreadable as broken:
        raise BadWebhook("cut_off") from broken
    except BodyTooLong as longer:
        raise BadWebhook("too_long") from longer
    headers = {name.lower(): value for name, value in request.headers.items()}
    return provider.verify_webhook(headers, body, clock.now())
