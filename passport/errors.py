"""Refusals that a caller may read, one class for each registered code.

Rules raise them, at any floor; `passport.oauth.answers` turns them into HTTP in one place.
"""

from collections.abc import Mapping
from typing import ClassVar


class OAuthError(Exception):
    """A refusal that the caller may read (RFC 6749 section 5.2).

    ``description`` is shown to the caller and logged: say what to mend; no secret, no token,
    nothing of another account in it. ``uri_reason`` names the entry of ``ISS/docs/errors`` that
    says more than the code does; ``retry_after`` is in seconds.
    """

    code: ClassVar[str]
    status: int = 400

    def __init__(
        self,
        description: str,
        *,
        uri_reason: str | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(description)
        self.description = description
        self.uri_reason = uri_reason
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        if status is not None:
            self.status = status


class InvalidRequest(OAuthError):
    """RFC 6749 section 5.2; also any fault of a subject or actor token (RFC 8693 section 2.2.2)."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """RFC 6749 section 5.2: authentication of the client failed."""

    code = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    """RFC 6749 section 5.2: a code, a refresh token or a device code that is not good."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """RFC 6749 section 5.2: known and authenticated, but not allowed this."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """RFC 6749 section 5.2."""

    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """RFC 6749 section 4.1.2.1."""

    code = "unsupported_response_type"


class RequestNotSupported(OAuthError):
    """RFC 9101 section 6.1: request objects are not read here; what is in one must not be overlooked."""

    code = "request_not_supported"


class InvalidScope(OAuthError):
    """RFC 6749 section 5.2."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """RFC 8707 section 2, RFC 8693 section 2.2.2."""

    code = "invalid_target"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396 section 5."""

    code = "invalid_authorization_details"


class InvalidDpopProof(OAuthError):
    """RFC 9449 section 5."""

    code = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """RFC 9449 section 8: the answer carries a fresh ``DPoP-Nonce``."""

    code = "use_dpop_nonce"


class TemporarilyUnavailable(OAuthError):
    """A limit (429) or a store that is down (503); the code is of RFC 6749 section 4.1.2.1.

    Nothing is registered for a throttled token request: docs/divergences.md.
    """

    code = "temporarily_unavailable"
    status = 503


class AccessDenied(OAuthError):
    """RFC 6749 section 4.1.2.1, used for authenticated callers who may not ask this at all."""

    code = "access_denied"
    status = 403


class UnsupportedTokenType(OAuthError):
    """RFC 7009 section 2.2.1."""

    code = "unsupported_token_type"


class AuthorizationPending(OAuthError):
    """RFC 8628 section 3.5."""

    code = "authorization_pending"


class SlowDown(OAuthError):
    """RFC 8628 section 3.5."""

    code = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 section 3.5."""

    code = "expired_token"


class InvalidRedirectUri(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "invalid_client_metadata"


class UnapprovedSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "unapproved_software_statement"


class InvalidToken(OAuthError):
    """RFC 6750 section 3.1."""

    code = "invalid_token"
    status = 401
