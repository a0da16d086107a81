"""The clients that may ask a person for consent, as the grants of persons see them.

Four kinds: agents of an account, clients that registered openly (RFC 7591), clients whose id
is the URL of their metadata document, and the command line that comes with this server.
Whether the account behind an agent is in good standing is judged by whoever issues.
"""

from collections.abc import Callable, Sequence

from passport.agents.metadata_documents import find_document
from passport.agents.models import Agent
from passport.agents.oauth_client import (
    AGENT,
    BY_ASSERTION,
    DOCUMENT,
    NO_AUTHENTICATION,
    OPEN,
    OWN,
    OAuthClient,
)
from passport.agents.open_clients import find_open
from passport.agents.own_client import find_own
from passport.protocol import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)

__all__ = [
    "AGENT",
    "BY_ASSERTION",
    "DOCUMENT",
    "NO_AUTHENTICATION",
    "OPEN",
    "OWN",
    "OAuthClient",
    "client_of",
    "find_client",
]


def find_agent(client_id: str) -> OAuthClient | None:
    """One query."""
    if not client_id.startswith("agent_"):
        return None
    agent = Agent.objects.filter(client_id=client_id).first()
    return None if agent is None else client_of(agent)


FINDERS: Sequence[Callable[[str], OAuthClient | None]] = (find_own, find_agent, find_open, find_document)
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
    by_person = frozenset({DEVICE_CODE, REFRESH_TOKEN}) | ({AUTHORIZATION_CODE} if uris else frozenset())
    return OAuthClient(
        client_id=agent.client_id,
        name=agent.name,
        kind=AGENT,
        redirect_uris=uris,
        auth_method=NO_AUTHENTICATION if public else BY_ASSERTION,
        application_type=agent.application_type,
        keys=(),
        account_id=agent.account_id,
        grant_types=frozenset(agent.grant_types.split()) or own | by_person,
        scopes=frozenset(agent.metadata.get("scope", "").split()) or None,
        uri=agent.metadata.get("client_uri", ""),
        logo_uri=agent.metadata.get("logo_uri", ""),
        created_at=agent.created,
        require_par=agent.require_pushed_authorization_requests,
        dpop_bound=agent.dpop_bound_access_tokens,
        environment=agent.environment,
        active=agent.state == Agent.State.ACTIVE,
    )
