"""What a token request is, below HTTP: the door fills it in, the grants read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from passport.admission.contract import Verdict
from passport.errors import InvalidAuthorizationDetails, InvalidRequest
from passport.proofs.spent import Spent


class Parameters(Protocol):
    """The form: an empty value is an absent one."""

    def get(self, name: str) -> str | None: ...
    def get_all(self, name: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the request. Not ``authenticated``: ``client_id`` is a claim, or None."""

    client_id: str | None = None
    authenticated: bool = False
    is_service: bool = False
    spent: tuple[Spent, ...] = ()
    """The assertion it authenticated with, if any."""
    issued_at: datetime | None = None
    """``iat`` of the assertion."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    parameters: Parameters
    proofs: tuple[str, ...]
    """The values of all ``DPoP`` headers."""
    caller: Caller
    issuer: str
    now: datetime

    def get(self, name: str) -> str | None:
        return self.parameters.get(name)

    def require(self, name: str) -> str:
        value = self.parameters.get(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing")
        return value

    @property
    def token_endpoint(self) -> str:
        """``htu`` of its proofs: from the configured issuer, never from ``Host``."""
        return f"{self.issuer}/oauth/token"

    @property
    def resources(self) -> list[str]:
        return self.parameters.get_all("resource")

    @property
    def audiences(self) -> list[str]:
        return self.parameters.get_all("audience")

    @property
    def likely_target(self) -> str:
        """What the one read looks for; whether it is a lawful target is judged in its turn (section 5)."""
        named = set(self.resources) | set(self.audiences)
        return named.pop() if len(named) == 1 else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door sends: the members of the JSON object, and what the limits said."""

    content: Mapping[str, Any] = field(repr=False)
    verdict: Verdict | None = None


def refuse_authorization_details(request: TokenRequest) -> None:
    """Only access tokens carry them: whatever is asked of another token is wider (RFC 9396 section 6)."""
    if request.get("authorization_details") is not None:
        raise InvalidAuthorizationDetails("this token carries none: ask for them with an access token")
