"""Agent Passport for agents and services."""

from agent_passport._agent import Agent
from agent_passport._auth import AgentAuth
from agent_passport._errors import (
    AgentPassportError,
    AgentRestricted,
    ClientRefused,
    ConfigurationError,
    IssuerAnswerInvalid,
    IssuerBusy,
    IssuerRefused,
    IssuerUnreachable,
    KeyFileError,
    PassportRefused,
    ProofRefused,
    ScopeRefused,
    TargetRefused,
)
from agent_passport._keys import AgentKey

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "AgentAuth",
    "AgentKey",
    "AgentPassportError",
    "AgentRestricted",
    "ClientRefused",
    "ConfigurationError",
    "IssuerAnswerInvalid",
    "IssuerBusy",
    "IssuerRefused",
    "IssuerUnreachable",
    "KeyFileError",
    "PassportRefused",
    "ProofRefused",
    "ScopeRefused",
    "TargetRefused",
    "__version__",
]
