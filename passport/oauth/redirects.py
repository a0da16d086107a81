"""What the person's browser takes back to the client (RFC 6749 section 4.1.2, RFC 9207)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse

from passport.conf import issuer
from passport.errors import OAuthError
from passport.oauth.answers import NO_STORE, describe
from passport.oauth.authorization_request import Asker


def redirect_with_code(asker: Asker, code: str) -> HttpResponse:
    return _redirect(asker, {"code": code})


def redirect_with_error(asker: Asker, refusal: OAuthError) -> HttpResponse:
    said = {
        "error": refusal.code,
        "error_description": describe(refusal.description),
        "error_uri": f"{issuer()}/docs/errors#{refusal.uri_reason or refusal.code}",
    }
    return _redirect(asker, said)


def _redirect(asker: Asker, said: Mapping[str, str]) -> HttpResponse:
    """303, so that a browser never sends the person's form on (RFC 9700 section 4.12).

    Not Django's redirect response, which refuses the schemes of applications.
    """
    state = {} if asker.state is None else {"state": asker.state}
    added = urlencode({**said, **state, "iss": issuer()})
    separator = "&" if "?" in asker.redirect_uri else "?"
    response = HttpResponse(status=303, headers={**NO_STORE, "Referrer-Policy": "no-referrer"})
    response.headers["Location"] = asker.redirect_uri + separator + added
    return response
