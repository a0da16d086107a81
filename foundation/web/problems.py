"""Refusals for machines: ``application/problem+json`` (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.http import JsonResponse

NO_STORE = {"Cache-Control": "no-store"}
QUOTA: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
OVERLOAD: Final = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
"""Types that everybody knows (RateLimit header fields for HTTP, section on problem types)."""


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JsonResponse:
    """An answer of ``status``. ``kind`` names the sort of problem: its ``type`` is a page of the issuer
    unless ``kind`` is a URI already. ``errors`` lists single faults (RFC 9457 section 3.1.4: extension)."""
    content: dict[str, Any] = {
        "type": kind if ":" in kind else f"{settings.ISSUER}/docs/errors#{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        **members,
    }
    if errors:
        content["errors"] = list(errors)
    return JsonResponse(
        content,
        status=status,
        content_type="application/problem+json",
        headers={**NO_STORE, **(headers or {})},
    )
