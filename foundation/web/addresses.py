"""Where a request came from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address as text; empty when unknown.

    Behind our own proxy (AP_BEHIND_PROXY) it is the last entry of X-Forwarded-For, which that
    proxy wrote; the ones before it are the client's own claims. Otherwise the peer's address.
    """
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "")
        if last := forwarded.rpartition(",")[2].strip():
            return last
    return str(request.META.get("REMOTE_ADDR") or "")
