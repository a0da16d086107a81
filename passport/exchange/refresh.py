"""A refresh token for the next pair (RFC 6749 section 6): rotated each time; reuse ends the family."""

from passport.conf import repeat_window
from passport.consents.end import CLIENT_CHANGED, REFRESH_REUSED, end_consent
from passport.consents.give import digest_of_client
from passport.consents.models import Consent, RefreshToken
from passport.consents.tokens import find_family, find_refresh_token, take_refresh_token
from passport.errors import InvalidGrant
from passport.exchange.person_grants import (
    Presenter,
    Taken,
    check_bound,
    check_consent,
    client_of,
    issue_for_person,
    presenter_of,
)
from passport.exchange.request import Answer, TokenRequest
from passport.protocol import REFRESH_TOKEN

UNKNOWN = "the refresh token is unknown, expired, revoked or another client's"


def grant_refresh_token(request: TokenRequest) -> Answer:
    """Raises the refusals RT-01 to RT-03, DPOP-12, DPOP-13, and of the last step.

    One that was rotated before ends the family, without grace: a thief and the client cannot
    be told apart. Where the token is bound to a key they can: the same key may repeat it
    within ten seconds, for its answer was lost, and gets a fresh pair.
    """
    secret = request.require("refresh_token")
    client = client_of(request, grant_type=REFRESH_TOKEN)
    token = find_refresh_token(secret)
    consent = find_family(token) if token else None
    presenter = presenter_of(request, client, consent, refusal=InvalidGrant)
    if token is None or consent is None or token.client_id != client.client_id:
        raise InvalidGrant(UNKNOWN)
    check_consent(consent, client, request.now)
    if token.revoked is not None and not may_repeat(token, presenter, request):
        raise _reused(request, consent)
    check_bound(presenter, token.thumbprint, "refresh token")
    if token.expires_at <= request.now:
        raise InvalidGrant(UNKNOWN)
    _check_unchanged(request, presenter, consent)
    try:
        return issue_for_person(request, presenter, consent, take=lambda: _take(request, presenter, token))
    except Taken:
        raise _reused(request, consent) from None


def may_repeat(token: RefreshToken, presenter: Presenter, request: TokenRequest) -> bool:
    """Whether its answer may have been lost: rotated ten seconds ago at most, repeated by its own key."""
    if token.revoked is None or not token.thumbprint:
        return False
    return presenter.thumbprint == token.thumbprint and request.now - token.revoked <= repeat_window()


def _take(request: TokenRequest, presenter: Presenter, token: RefreshToken) -> bool:
    if take_refresh_token(token, request.now):
        return True
    token.refresh_from_db(fields=["revoked"])
    return may_repeat(token, presenter, request)


def _check_unchanged(request: TokenRequest, presenter: Presenter, consent: Consent) -> None:
    """Raises InvalidGrant when the client's document has other redirects or keys than then (CIMD-05)."""
    if consent.client_digest == digest_of_client(presenter.client):
        return
    end_consent(consent.pk, reason=CLIENT_CHANGED, actor="system:oauth", now=request.now)
    raise InvalidGrant(
        "the client has changed since the person agreed: ask again", uri_reason="consent_ended"
    )


def _reused(request: TokenRequest, consent: Consent) -> InvalidGrant:
    end_consent(consent.pk, reason=REFRESH_REUSED, actor="system:oauth", now=request.now)
    return InvalidGrant("the refresh token was used twice: its family has ended", uri_reason="used_twice")
