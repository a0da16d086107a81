"""Public documents: the same for everybody, cached for minutes, readable from any origin."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

MAX_AGE_SECONDS = 300


def publish(request: HttpRequest, content: Mapping[str, Any]) -> HttpResponse:
    """JSON with ``ETag``; 304 for who has it already (RFC 9110 section 13)."""
    body = json.dumps(content, separators=(",", ":")).encode("ascii")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}", "ETag": etag}
    response = HttpResponse(body, content_type="application/json", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response
