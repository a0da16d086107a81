"""What this server itself offers to people: the management API, resource ``ISS/v1``.

No row: whoever could change one could widen what a consent means.
"""

from collections.abc import Mapping
from typing import Final

from passport.conf import issuer

NAME: Final = "Agent Passport management"
READ_ACCOUNT, READ_AGENTS, WRITE_AGENTS = "account.read", "agents.read", "agents.write"
READ_SERVICES, WRITE_SERVICES = "services.read", "services.write"
SCOPES: Final[Mapping[str, str]] = {
    READ_ACCOUNT: "see the account: its name, what it has proven, and what a passport still lacks",
    READ_AGENTS: "see agents with their keys, scopes and passports",
    WRITE_AGENTS: "register, change and close agents, change their keys and scopes, revoke their passports",
    READ_SERVICES: "see the services of the account",
    WRITE_SERVICES: "register services, change their keys, and make them new secrets",
}
"""Name to what a person reads before they agree."""
CHANGING: Final = frozenset({WRITE_AGENTS, WRITE_SERVICES})
"""A second factor is asked for before these are granted, as before the same changes in the portal."""


def audience() -> str:
    return f"{issuer()}/v1"


def is_own(uri: str) -> bool:
    """Whether ``uri`` is of this server: nobody else may be an audience there."""
    own = issuer().lower()
    return uri.lower() == own or uri.lower().startswith((f"{own}/", f"{own}?"))
