"""What every page's frame needs."""

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    return {
        "embedded": settings.EMBEDDED,
        "development_mail": settings.DEVELOPMENT_MAIL,
        "request_id": getattr(request, "request_id", ""),
    }
