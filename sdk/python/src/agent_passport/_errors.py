"""Every error an agent meets, with the server's words and with what to do.

::

    AgentPassportError
    ├── ConfigurationError        something is missing or contradicts itself
    │   └── KeyFileError          the key file: absent, malformed, readable by others
    ├── IssuerUnreachable         no answer, after the retries
    ├── IssuerAnswerInvalid       an answer that is not what the protocol says
    └── IssuerRefused             the issuer said no, in words (RFC 6749 section 5.2)
        ├── ClientRefused         invalid_client: the key is not, or no longer, registered
        ├── AgentRestricted       unauthorized_client, access_denied: suspended, closed, not verified
        ├── PassportRefused       invalid_request, invalid_grant about the passport
        ├── ScopeRefused          invalid_scope
        ├── TargetRefused         invalid_target
        ├── ProofRefused          invalid_dpop_proof, use_dpop_nonce: mostly the clock
        └── IssuerBusy            temporarily_unavailable: the limit (429), or a part that is down (503)
"""

from collections.abc import Mapping


class AgentPassportError(Exception):
    """``code`` is stable and for programs; ``cure`` says what to do, for people."""

    code = "error"

    def __init__(self, description: str, *, cure: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.description}. {self.cure}." if self.cure else self.description


class ConfigurationError(AgentPassportError):
    code = "configuration"


class KeyFileError(ConfigurationError):
    code = "key_file"


class IssuerUnreachable(AgentPassportError):
    code = "unreachable"


class IssuerAnswerInvalid(AgentPassportError):
    code = "invalid_answer"


class IssuerRefused(AgentPassportError):
    """``code`` is the server's ``error``; ``reason`` the fragment of its ``error_uri``, if it gave one."""

    default_cure = "Read the page at error_uri, or ask the operator of the issuer"

    def __init__(
        self,
        code: str,
        description: str,
        *,
        status: int,
        error_uri: str = "",
        retry_after: float | None = None,
    ) -> None:
        reason = error_uri.partition("#")[2]
        super().__init__(description, cure=CURES.get(reason, self.default_cure))
        self.code = code
        self.status = status
        self.error_uri = error_uri
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class ClientRefused(IssuerRefused):
    default_cure = "Register this key for this agent in the portal, and check the client id"


class AgentRestricted(IssuerRefused):
    default_cure = "Look at the agent in the portal: it says what is missing or why it was stopped"


class PassportRefused(IssuerRefused):
    default_cure = "Get a new passport: agent-passport passport renew"


class ScopeRefused(IssuerRefused):
    default_cure = "Ask only for scopes that the passport holds and the service offers"


class TargetRefused(IssuerRefused):
    default_cure = "Check the audience, and that this agent may reach that service (portal, Access)"


class ProofRefused(IssuerRefused):
    default_cure = "Set the clock of this machine: agent-passport doctor shows how far it is off"


class IssuerBusy(IssuerRefused):
    default_cure = "Wait for retry_after seconds and try again"


CURES: Mapping[str, str] = {
    "passport_revoked": "The passport was revoked for good: ask in the portal why, and appeal there",
    "passport_suspended": "The passport is suspended: the portal says why and until when",
    "account_suspended": "The account is suspended: its owner finds the reason in the portal",
    "key_revoked": "Make a new key and register it: agent-passport keys generate",
    "assertion_replayed": "Two processes sent the same assertion, or something repeats requests on the way",
}

_CLASSES: Mapping[str, type[IssuerRefused]] = {
    "invalid_client": ClientRefused,
    "unauthorized_client": AgentRestricted,
    "access_denied": AgentRestricted,
    "invalid_request": PassportRefused,
    "invalid_grant": PassportRefused,
    "invalid_scope": ScopeRefused,
    "invalid_target": TargetRefused,
    "invalid_dpop_proof": ProofRefused,
    "use_dpop_nonce": ProofRefused,
    "temporarily_unavailable": IssuerBusy,
}


def refused(body: Mapping[str, object], *, status: int, retry_after: float | None) -> IssuerRefused:
    """The error that an error document of the token endpoint stands for."""
    code, words, uri = (_text(body.get(name)) for name in ("error", "error_description", "error_uri"))
    kind = _CLASSES.get(code, IssuerRefused)
    return kind(code or "error", words or "refused", status=status, error_uri=uri, retry_after=retry_after)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
