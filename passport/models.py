"""Collects this app's tables for Django; nothing imports this module."""

from passport.admission.models import AdmissionMode, DatabaseBucket, SpentProof
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import IssueRecord, Passport, RevokedToken
from passport.limits.models import LimitOverride, LimitPolicy
from passport.restrictions.models import AccountState, Restriction
from passport.revocation.models import BatchMember, ResponsePolicy, RevocationBatch, Switch
from passport.services.models import AgentGrant, Scope, Service
from passport.signing.models import SigningKey
from passport.status.models import StatusDelta, StatusEntry, StatusList, StatusMark

__all__ = [
    "AccountState",
    "AdmissionMode",
    "Agent",
    "AgentGrant",
    "AgentKey",
    "BatchMember",
    "DatabaseBucket",
    "IssueRecord",
    "LimitOverride",
    "LimitPolicy",
    "Passport",
    "ResponsePolicy",
    "Restriction",
    "RevocationBatch",
    "RevokedToken",
    "Scope",
    "Service",
    "SigningKey",
    "SpentProof",
    "StatusDelta",
    "StatusEntry",
    "StatusList",
    "StatusMark",
    "Switch",
]
