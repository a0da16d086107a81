"""POST /oauth/token: parse, call, answer (RFC 6749 section 3.2)."""

from django.http import HttpRequest, HttpResponse

from foundation import clock
from passport.conf import issuer
from passport.errors import UnauthorizedClient, UnsupportedGrantType
from passport.exchange.grants import GRANTS
from passport.exchange.request import Caller, TokenRequest
from passport.limits.headers import fields
from passport.oauth.answers import answer
from passport.oauth.clients import Anonymous, Authenticated, authenticate
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.proofs import nonces


@oauth_door("POST")
def token(request: HttpRequest) -> HttpResponse:
    form = read_form(request)
    grant = GRANTS.get(form.require("grant_type"))
    if grant is None:
        raise UnsupportedGrantType(f"grant_type is one of: {' '.join(GRANTS)}")
    now = clock.now()
    found = authenticate(form, request, now)
    check_registered(found, form.require("grant_type"))
    caller = caller_of(found)
    proofs = proofs_of(request)
    answered = grant(TokenRequest(form, proofs, caller, issuer(), now))
    headers = fields(answered.verdict.remaining) if answered.verdict else {}
    if proofs:
        headers["DPoP-Nonce"] = nonces.issue(now)
    return answer(answered.content, headers=headers)


def check_registered(found: Authenticated | Anonymous, grant_type: str) -> None:
    """A client that named its grants when it registered keeps to them. Raises UnauthorizedClient."""
    if isinstance(found, Anonymous) or found.agent is None:
        return
    registered = found.agent.grant_types.split()
    if registered and grant_type not in registered:
        raise UnauthorizedClient(f"the client registered for: {' '.join(registered)}")


def caller_of(found: Authenticated | Anonymous) -> Caller:
    if isinstance(found, Anonymous):
        return Caller(found.client_id)
    return Caller(
        found.client_id,
        authenticated=True,
        is_service=found.service is not None,
        spent=found.spent,
        issued_at=found.issued_at,
    )


def proofs_of(request: HttpRequest) -> tuple[str, ...]:
    """The values of the ``DPoP`` headers. Servers join repeated ones by a comma, which no proof contains."""
    value = request.headers.get("DPoP")
    return () if value is None else (value,)
