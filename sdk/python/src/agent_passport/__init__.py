"""Agent Passport for agents and services."""

from agent_passport._agent import Agent
from agent_passport._asgi import ASGIMiddleware
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
from agent_passport._limits import Allowance
from agent_passport._refusals import Refusal
from agent_passport._replay import MemoryReplay, RedisReplay, ReplayStore, ReplayUnavailable
from agent_passport._requests import RequestsAuth
from agent_passport._routes import Need
from agent_passport._sketch import sketch_of
from agent_passport._usage import Usage
from agent_passport._verifier import Verified, Verifier
from agent_passport._wsgi import WSGIMiddleware

__version__ = "0.1.0"

__all__ = [
    "ASGIMiddleware",
    "Agent",
    "AgentAuth",
    "AgentKey",
    "AgentPassportError",
    "AgentRestricted",
    "Allowance",
    "ClientRefused",
    "ConfigurationError",
    "IssuerAnswerInvalid",
    "IssuerBusy",
    "IssuerRefused",
    "IssuerUnreachable",
    "KeyFileError",
    "MemoryReplay",
    "Need",
    "PassportRefused",
    "ProofRefused",
    "RedisReplay",
    "Refusal",
    "ReplayStore",
    "ReplayUnavailable",
    "RequestsAuth",
    "ScopeRefused",
    "TargetRefused",
    "Usage",
    "Verified",
    "Verifier",
    "WSGIMiddleware",
    "__version__",
    "sketch_of",
]
