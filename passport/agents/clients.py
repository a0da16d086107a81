"""The clients that may ask a person for consent, as the grants of persons see them.

Three kinds: agents of an account, clients that registered openly (RFC 7591), and clients
whose id is the URL of their metadata document. Whether the account behind an agent is in good
standing is judged by whoever issues.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.agents.models import Agent
from passport.agents.redirect_uris import is_registered
from passport.protocol import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, TOKEN_EXCHANGE

AGENT, OPEN, DOCUMENT = "agent", "open", "document"
NO_AUTHENTICATION, BY_ASSERTION = "none", "private_key_jwt"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """What is registered of a client."""

    client_id: str
    name: str
    kind: str
    """``agent``, ``open`` or ``document``."""
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


def find_agent(client_id: str) -> OAuthClient | None:
    """One query."""
    agent = Agent.objects.filter(client_id=client_id).first()
    return None if agent is None else client_of(agent)


FINDERS: Sequence[Callable[[str], OAuthClient | None]] = (find_agent,)
"""Asked in turn; each knows one kind. None: not mine."""


def find_client(client_id: str) -> OAuthClient | None:
    """The client of that id, whatever its kind; None for one that nobody knows."""
    if "\0" in client_id:
        return None
    found = (finder(client_id) for finder in FINDERS)
    return next((client for client in found if client is not None), None)


def client_of(agent: Agent) -> OAuthClient:
    uris = tuple(agent.redirect_uris.split())
    public = agent.client_type == Agent.CLIENT_PUBLIC
    own = frozenset() if public else frozenset({CLIENT_CREDENTIALS, TOKEN_EXCHANGE})
    by_person = frozenset({AUTHORIZATION_CODE, REFRESH_TOKEN}) if uris else frozenset()
    return OAuthClient(
        client_id=agent.client_id,
        name=agent.name,
        kind=AGENT,
        redirect_uris=uris,
        auth_method=NO_AUTHENTICATION if public else BY_ASSERTION,
        application_type=agent.application_type,
        keys=(),
        account_id=agent.account_id,
        grant_types=own | by_person,
        scopes=None,
        uri="",
        logo_uri="",
        created_at=agent.created,
        require_par=agent.require_pushed_authorization_requests,
        dpop_bound=agent.dpop_bound_access_tokens,
        environment=agent.environment,
        active=agent.state == Agent.State.ACTIVE,
    )
