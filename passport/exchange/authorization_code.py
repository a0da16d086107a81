"""A code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5): once, by the client that asked for it."""

import hashlib
import hmac
import re

from passport.consents.end import CODE_REUSED, end_consent
from passport.consents.models import AuthorizationCode
from passport.consents.tokens import find_code, take_code
from passport.errors import InvalidGrant, InvalidRequest
from passport.exchange.person_grants import (
    Taken,
    check_bound,
    client_of,
    issue_for_person,
    presenter_of,
)
from passport.exchange.request import Answer, TokenRequest
from passport.jose import base64url
from passport.protocol import AUTHORIZATION_CODE

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
UNKNOWN = "the code is unknown, expired, used or another client's"


def grant_authorization_code(request: TokenRequest) -> Answer:
    """Raises the refusals AC-05 to AC-08, DPOP-12, DPOP-13, and of the last step.

    A code that is presented again ends the consent with all that came of it (AC-06): either the
    first or the second presenter stole it.
    """
    secret, verifier = request.require("code"), request.require("code_verifier")
    if not VERIFIER.fullmatch(verifier):
        raise InvalidRequest("code_verifier is 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
    client = client_of(request, grant_type=AUTHORIZATION_CODE)
    code = find_code(secret)
    presenter = presenter_of(request, client, code.consent if code else None)
    if code is None or code.consent.client_id != client.client_id:
        raise InvalidGrant(UNKNOWN)
    if code.used_at is not None:
        raise _end(request, code)
    check_code(request, code, verifier)
    check_bound(presenter, code.thumbprint, "code")
    try:
        return issue_for_person(request, presenter, code.consent, take=lambda: take_code(code, request.now))
    except Taken:
        raise _end(request, code) from None


def check_code(request: TokenRequest, code: AuthorizationCode, verifier: str) -> None:
    """Raises InvalidGrant for one that is late, of another redirect, or of another challenge."""
    if code.expires <= request.now:
        raise InvalidGrant(UNKNOWN)
    redirect_uri = request.get("redirect_uri")
    if redirect_uri is None and code.redirect_was_sent:
        raise InvalidRequest("redirect_uri is missing: the authorization request had one")
    if redirect_uri is not None and redirect_uri != code.redirect_uri:
        raise InvalidGrant("redirect_uri differs from that of the authorization request")
    if not answers(verifier, code.code_challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge")


def answers(verifier: str, challenge: str) -> bool:
    """S256 of RFC 7636 section 4.6."""
    digest = base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(digest.encode(), challenge.encode())


def _end(request: TokenRequest, code: AuthorizationCode) -> InvalidGrant:
    end_consent(code.consent.pk, reason=CODE_REUSED, actor="system:oauth", now=request.now)
    return InvalidGrant("the code was used twice: all that came of it has ended", uri_reason="used_twice")
