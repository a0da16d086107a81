"""The door for gateways: nginx ``auth_request`` and Envoy ``ext_authz`` ask here at every request.

Both send the same headers, which their configuration sets (``deploy/nginx/gateway.conf``,
``deploy/envoy/gateway.yaml``). Envoy passes on whatever is answered. nginx knows 2xx, 401 and 403
only: its path answers 403 with ``Passport-Status``, and the configuration turns that into the
status it names.
"""

import json
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from foundation import clock
from foundation.web.problems import OVERLOAD, QUOTA, problem
from passport.decisions.evaluate import MOST_UNITS
from passport.decisions.gate import Arrived, Let, Turned, admit_request
from passport.decisions.gateways import HEADER, GatewayUnknown, find_gateway
from passport.errors import TemporarilyUnavailable
from passport.protocol import PROOF_ALGS
from passport.services.registration import SCOPE_NAME

log = structlog.get_logger()

STATUS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "The request is malformed"),
    "missing": (401, "An access token is needed"),
    "invalid_token": (401, "The access token is not accepted"),
    "invalid_dpop_proof": (401, "The proof of possession is not accepted"),
    "use_dpop_nonce": (401, "The proof needs the nonce of this answer"),
    "insufficient_scope": (403, "The access token does not reach this"),
    "rate_limited": (429, "Too many requests"),
}
MOST_URI = 16 * 1024
AWAY_SECONDS = 1


class _NotSetUp(Exception):
    """The gateway's configuration is wrong; the words are for its operator."""


@csrf_exempt
def gateway(request: HttpRequest) -> HttpResponse:
    """Any method of /access/v1/gateway: 200, or the refusal as the caller is to read it."""
    return _decide(request)


@csrf_exempt
@require_GET
def gateway_for_nginx(request: HttpRequest) -> HttpResponse:
    """/access/v1/gateway/nginx: the same in the three statuses that ``auth_request`` knows."""
    answer = _decide(request)
    if answer.status_code not in (200, 401):
        answer["Passport-Status"] = str(answer.status_code)
        answer.status_code = 403
    return answer


def _decide(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    try:
        known = find_gateway(request.headers.get(HEADER), clock.now_us())
        let = admit_request(known, _arrived(request), now)
    except Turned as turned:
        return _refuse(turned)
    except (GatewayUnknown, _NotSetUp) as wrong:
        log.error("gateway_not_set_up", reason=str(wrong))
        words = "the gateway in front of this service is not known to the issuer, or is not set up"
        return problem(403, "gateway_not_set_up", "Nothing passes here", words)
    except TemporarilyUnavailable as away:
        return _away("the issuer cannot decide now", away.retry_after or AWAY_SECONDS)
    except (DatabaseError, InterfaceError) as away:
        log.error("decision_unavailable", error=type(away).__name__)
        return _away("the issuer cannot decide now", AWAY_SECONDS)
    return _let(let)


def _arrived(request: HttpRequest) -> Arrived:
    """Raises _NotSetUp: these headers are the gateway's own, no caller can make them wrong."""
    headers = request.headers
    method, uri, scope = (headers.get(f"Passport-{name}", "") for name in ("Method", "Uri", "Scope"))
    cost = headers.get("Passport-Cost", "1")
    if not method or not uri.startswith("/") or len(uri) > MOST_URI or not SCOPE_NAME.fullmatch(scope):
        raise _NotSetUp("Passport-Method, Passport-Uri and Passport-Scope are needed")
    if not (cost.isascii() and cost.isdigit() and len(cost) <= 6 and 1 <= int(cost) <= MOST_UNITS):
        raise _NotSetUp("Passport-Cost is no number of units")
    proof = headers.get("DPoP")
    return Arrived(
        headers.get("Authorization"), () if proof is None else (proof,), method, uri, scope, int(cost)
    )


def _let(let: Let) -> HttpResponse:
    return HttpResponse(headers={"Cache-Control": "no-store", **let.identity, **let.limits})


def _refuse(turned: Turned) -> HttpResponse:
    status, title = STATUS[turned.code]
    headers = dict(turned.headers)
    if turned.code not in ("rate_limited", "invalid_request"):
        error = "" if turned.code == "missing" else f'error="{turned.code}", '
        headers["WWW-Authenticate"] = f'DPoP {error}algs="{" ".join(PROOF_ALGS)}"'
    if turned.nonce:
        headers["DPoP-Nonce"] = turned.nonce
    members: dict[str, Any] = {}
    if turned.violated:
        members["violated-policies"] = list(turned.violated)
        headers["Passport-Violated"] = json.dumps(list(turned.violated))
    kind = QUOTA if status == 429 else turned.code
    return problem(status, kind, title, turned.description, headers=headers, **members)


def _away(words: str, retry_after: int) -> HttpResponse:
    wait = {"Retry-After": str(max(retry_after, 1))}
    return problem(503, OVERLOAD, "The state of the credential is not known", words, headers=wait)
