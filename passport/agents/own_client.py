"""The command line that comes with this server: a public client that every server knows.

Like any public client it cannot prove which program it is; the page that asks the person says so.
Its tokens are bound to a key, and it may ask for the management API alone.
"""

from datetime import UTC, datetime
from typing import Final

from passport.agents import own_api
from passport.agents.oauth_client import NO_AUTHENTICATION, OWN, OAuthClient
from passport.protocol import DEVICE_CODE, REFRESH_TOKEN

CLIENT_ID: Final = "agent-passport-cli"
CLIENT: Final = OAuthClient(
    client_id=CLIENT_ID,
    name="Agent Passport command line",
    kind=OWN,
    redirect_uris=(),
    auth_method=NO_AUTHENTICATION,
    application_type="native",
    keys=(),
    account_id=None,
    grant_types=frozenset({DEVICE_CODE, REFRESH_TOKEN}),
    scopes=frozenset(own_api.SCOPES),
    uri="",
    logo_uri="",
    created_at=datetime(2026, 11, 24, tzinfo=UTC),
    dpop_bound=True,
)


def find_own(client_id: str) -> OAuthClient | None:
    """No query."""
    return CLIENT if client_id == CLIENT_ID else None
