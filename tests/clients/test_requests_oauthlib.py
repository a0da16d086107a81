"""requests-oauthlib: code with PKCE and a Bearer token, as scripts have done it for years."""

import os

import pytest
from oauthlib.oauth2 import WebApplicationClient
from requests_oauthlib import OAuth2Session

from passport.protocol import JWT_BEARER_ASSERTION
from tests.cast import Key
from tests.clients.conftest import REDIRECT, Place
from tests.clients.person import allow
from tests.residents import OPEN, SCOPE

pytestmark = pytest.mark.services


def test_requests_oauthlib_gets_and_refreshes_a_bearer_token(place: Place, monkeypatch) -> None:
    monkeypatch.setitem(os.environ, "OAUTHLIB_INSECURE_TRANSPORT", "1")
    issuer = place.server.issuer
    key = Key(place.residents.key)

    def signed_in() -> dict[str, str]:
        assertion = key.assertion(place.residents.agent_id, aud=issuer)
        return {"client_assertion_type": JWT_BEARER_ASSERTION, "client_assertion": assertion}

    client = WebApplicationClient(place.residents.agent_id, code_challenge_method="S256")
    session = OAuth2Session(client=client, redirect_uri=REDIRECT, scope=[SCOPE], pkce="S256")
    page, _ = session.authorization_url(f"{issuer}/oauth/authorize", resource=OPEN)
    back = allow(page, place.cookie)
    token = session.fetch_token(
        f"{issuer}/oauth/token",
        authorization_response=back,
        include_client_id=True,
        resource=OPEN,
        **signed_in(),
    )
    assert (token["token_type"], token["scope"]) == ("Bearer", [SCOPE])
    first = token["refresh_token"]
    renewed = session.refresh_token(
        f"{issuer}/oauth/token", client_id=place.residents.agent_id, **signed_in()
    )
    assert renewed["access_token"] != token["access_token"] or renewed["refresh_token"] != first
    assert renewed["refresh_token"] != first
