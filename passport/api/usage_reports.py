"""What services tell: usage, and abuse. Parse, call, answer."""

from django.http import HttpResponse, JsonResponse

from foundation import clock
from foundation.web.problems import NO_STORE, problem
from passport.api.service_door import for_services
from passport.conf import issuer
from passport.services.models import Service
from passport.usage import abuse, receive
from passport.usage.wire import MAX_BYTES, BadReport, read_report


@for_services("usage.write", max_bytes=MAX_BYTES)
def usage(service: Service, body: bytes) -> HttpResponse:
    """POST /v1/usage"""
    now = clock.now()
    try:
        report = read_report(body, now)
        receipt = receive.receive(service, report, body, issuer=issuer(), now=now)
    except BadReport as bad:
        return _malformed(bad)
    except receive.ReportIdInUse:
        return _used()
    content = {"id": receipt.report_id, "accepted": receipt.accepted, "unknown": list(receipt.unknown)}
    return JsonResponse(content, headers=NO_STORE)


@for_services("reports.write", max_bytes=abuse.MAX_BYTES)
def reports(service: Service, body: bytes) -> HttpResponse:
    """POST /v1/reports"""
    try:
        accusation = abuse.read_accusation(body)
        row = abuse.report_abuse(service, accusation, body, clock.now())
    except BadReport as bad:
        return _malformed(bad)
    except abuse.ReportIdInUse:
        return _used()
    except abuse.UnknownAccount:
        detail = "no account of this name has reached this service"
        return problem(404, "unknown-account", "No such account", detail)
    return JsonResponse({"id": row.report_id, "confidence": row.confidence}, status=202, headers=NO_STORE)


def _malformed(bad: BadReport) -> HttpResponse:
    faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in bad.faults]
    return problem(400, "invalid-request", "Malformed", bad.detail, errors=faults)


def _used() -> HttpResponse:
    detail = "another report was sent under this id: give each its own, and send it again unchanged"
    return problem(409, "report-id-in-use", "Used id", detail)
