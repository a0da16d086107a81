"""What is registered of a client, whatever kind it is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from passport.agents.redirect_uris import is_registered

AGENT, OPEN, DOCUMENT, OWN = "agent", "open", "document", "own"
NO_AUTHENTICATION, BY_ASSERTION = "none", "private_key_jwt"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """What is registered of a client."""

    client_id: str
    name: str
    kind: str
    """``agent``, ``open``, ``document`` or ``own``."""
    redirect_uris: tuple[str, ...]
    auth_method: str
    """``none`` or ``private_key_jwt``: how it authenticates at the token and PAR endpoints."""
    application_type: str
    """``web`` or ``native``."""
    keys: tuple[Mapping[str, str], ...]
    """Public JWKs of a document. An agent's are rows (AgentKey): they come and go one by one."""
    account_id: str | None
    grant_types: frozenset[str]
    scopes: frozenset[str] | None
    """What it may ask for; None: whatever a person can grant."""
    uri: str
    logo_uri: str
    created_at: datetime
    require_par: bool = False
    dpop_bound: bool = False
    environment: str | None = None
    """An agent's; a client without an account has none and reaches services of both."""
    active: bool = True
    """False: closed or withdrawn. It is known, and gets nothing."""

    def may_redirect_to(self, uri: str) -> bool:
        return is_registered(uri, self.redirect_uris, application_type=self.application_type)
