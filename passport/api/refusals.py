"""What the management API refuses, and the one place that turns it into problems (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse

from foundation.logs import route_of
from foundation.web.problems import OVERLOAD, problem
from passport.errors import OAuthError, TemporarilyUnavailable

log = structlog.get_logger()

RETRY_SECONDS: Final = "2"
TITLES: Final[Mapping[int, str]] = {
    400: "The request is malformed",
    401: "The access token is not accepted",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The state does not allow it",
    412: "Changed meanwhile",
    413: "The body is too long",
    415: "The content type is not read here",
    422: "The request cannot be carried out",
    429: "Too many requests",
    503: "Not available now",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One member of the body that is wrong."""

    pointer: str
    """RFC 6901, into the body: ``/jwk``."""
    detail: str


class ApiRefused(Exception):
    """``kind`` is a reason of ``ISS/docs/errors`` or a URI; ``detail`` says what to mend."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        violated: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.faults, self.headers, self.violated = faults, headers or {}, violated


def not_found(what: str) -> ApiRefused:
    """The same for what does not exist and for what is another account's."""
    return ApiRefused(404, "http-404", f"there is no such {what} in this account")


def wrong(pointer: str, detail: str) -> ApiRefused:
    return ApiRefused(422, "invalid-member", detail, faults=[Fault(pointer, detail)])


def answer_refused(refused: ApiRefused, request: HttpRequest) -> HttpResponse:
    log.info("api_refused", path=route_of(request), status=refused.status, reason=refused.kind)
    members = {"violated-policies": list(refused.violated)} if refused.violated else {}
    return problem(
        refused.status,
        refused.kind,
        TITLES[refused.status],
        refused.detail,
        errors=[{"pointer": fault.pointer, "detail": fault.detail} for fault in refused.faults],
        headers=refused.headers,
        instance=request.path,
        **members,
    )


def from_oauth(refusal: OAuthError) -> ApiRefused:
    """The refusal of a token or a proof, in the form of this API."""
    headers = dict(refusal.headers)
    kind = refusal.uri_reason or refusal.code
    if isinstance(refusal, TemporarilyUnavailable):
        kind = OVERLOAD
        headers.setdefault("Retry-After", str(refusal.retry_after or RETRY_SECONDS))
    return ApiRefused(refusal.status, kind, refusal.description, headers=headers)


def unavailable() -> ApiRefused:
    words = "the server cannot decide now; try again"
    return ApiRefused(503, OVERLOAD, words, headers={"Retry-After": RETRY_SECONDS})
