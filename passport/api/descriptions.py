"""What the HTTP interfaces are, for machines: OpenAPI documents beside this file, kept true by a test."""

from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from passport.conf import issuer
from passport.oauth.doors import oauth_door

FOLDER = Path(__file__).parent / "openapi"
NAMES = ("oauth", "services", "management", "signals")
PLACEHOLDER = "https://passport.example"
MEDIA_TYPE = "application/yaml"
"""RFC 9512."""


@oauth_door("GET", "HEAD")
def openapi(request: HttpRequest, *, name: str) -> HttpResponse:
    """GET /docs/openapi/{name}.yaml, with this server as the one it describes."""
    headers = {"Cache-Control": "public, max-age=300"}
    return HttpResponse(described(name, issuer()), content_type=MEDIA_TYPE, headers=headers)


@lru_cache(maxsize=8)
def described(name: str, server: str) -> bytes:
    return (FOLDER / f"{name}.yaml").read_text().replace(PLACEHOLDER, server).encode()
