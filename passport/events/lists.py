"""GET /status and /status/{number}: what verifiers without a feed fetch (Token Status List section 8)."""

import gzip
from functools import lru_cache

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from foundation import clock
from foundation.web.problems import problem
from passport.conf import issuer
from passport.status.models import StatusList
from passport.status.sign import TTL_SECONDS, list_numbers, list_uri

MEDIA_TYPE = "application/statuslist+jwt"
PUBLIC = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


@require_safe
def status_list(request: HttpRequest, number: int) -> HttpResponse:
    """The signed list. A cache may keep it until its own ``iat + ttl``, never longer."""
    if "time" in request.GET:
        return problem(501, "historical-status", "No past lists", "Only the present list is kept: omit time.")
    if not request.accepts(MEDIA_TYPE):
        return problem(406, "not-acceptable", "Not acceptable", f"This list is served as {MEDIA_TYPE} only.")
    found = StatusList.objects.filter(number=number).values_list("token", "signed_at").first()
    if found is None:
        return problem(404, "unknown-status-list", "No such list", "No status list has this number.")
    token, signed_at = found
    if not token or signed_at is None:
        return problem(
            503, "not-yet", "Not published yet", "Ask again in a moment.", headers={"Retry-After": "1"}
        )
    left = TTL_SECONDS - int(clock.now().timestamp() - int(signed_at.timestamp()))
    return _answer(request, token, max(0, min(TTL_SECONDS, left)))


@require_safe
def aggregation(request: HttpRequest) -> JsonResponse:
    """The URIs of all lists (section 9.3)."""
    lists = [list_uri(issuer(), number) for number in list_numbers()]
    return JsonResponse(
        {"status_lists": lists}, headers={**PUBLIC, "Cache-Control": f"public, max-age={TTL_SECONDS}"}
    )


def _answer(request: HttpRequest, token: str, seconds: int) -> HttpResponse:
    etag = f'"{token[-43:]}"'
    headers = {**PUBLIC, "ETag": etag, "Cache-Control": f"public, max-age={seconds}"}
    given = request.headers.get("If-None-Match", "")
    if given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}:
        return _varying(HttpResponseNotModified(headers=headers))
    if _takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        # Its own tag: the bytes are others (RFC 9110 section 8.8.3.3).
        headers["ETag"] = f"W/{etag}"
        return _varying(HttpResponse(_zipped(token), content_type=MEDIA_TYPE, headers=headers))
    return _varying(HttpResponse(token.encode("ascii"), content_type=MEDIA_TYPE, headers=headers))


def _varying(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept", "Accept-Encoding"])
    return response


def _takes_gzip(request: HttpRequest) -> bool:
    for part in request.headers.get("Accept-Encoding", "").split(","):
        coding, _, weight = part.strip().lower().partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


@lru_cache(maxsize=32)
def _zipped(token: str) -> bytes:
    return gzip.compress(token.encode("ascii"), compresslevel=1, mtime=0)
