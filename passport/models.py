"""Collects this app's tables for Django; nothing imports this module."""

from passport.acting.models import ActingRule
from passport.admission.models import AdmissionMode, DatabaseBucket, SpentProof
from passport.agents.models import Agent, AgentKey, InitialToken, OpenClient, RegistrationToken
from passport.api.kept_models import KeptAnswer
from passport.consents.device_models import DeviceRequest, WrongUserCode
from passport.consents.models import AuthorizationCode, Consent, PushedRequest, RefreshToken
from passport.credentials.models import IssueRecord, Passport, RevokedToken
from passport.events.ssf.models import EventStream, LedgerCursor, RemovedSubject, StreamEvent
from passport.events.webhooks.models import Notice, WebhookDelivery, WebhookEndpoint
from passport.limits.models import LimitOverride, LimitPolicy
from passport.restrictions.models import AccountState, Restriction, Switch
from passport.revocation.models import (
    BatchMember,
    BatchView,
    ChosenList,
    Response,
    ResponsePolicy,
    RevocationBatch,
)
from passport.services.models import AgentGrant, Scope, Service
from passport.signing.models import SigningKey
from passport.status.models import StatusDelta, StatusEntry, StatusList, StatusMark
from passport.usage.models import (
    AbuseReport,
    PairwiseAccount,
    UsageDay,
    UsageHour,
    UsageLine,
    UsageMinute,
    UsageReport,
)
from passport.workloads.models import WorkloadIssuer, WorkloadKey

__all__ = [
    "AbuseReport",
    "AccountState",
    "ActingRule",
    "AdmissionMode",
    "Agent",
    "AgentGrant",
    "AgentKey",
    "AuthorizationCode",
    "BatchMember",
    "BatchView",
    "ChosenList",
    "Consent",
    "DatabaseBucket",
    "DeviceRequest",
    "EventStream",
    "InitialToken",
    "IssueRecord",
    "KeptAnswer",
    "LedgerCursor",
    "LimitOverride",
    "LimitPolicy",
    "Notice",
    "OpenClient",
    "PairwiseAccount",
    "Passport",
    "PushedRequest",
    "RefreshToken",
    "RegistrationToken",
    "RemovedSubject",
    "Response",
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
    "StreamEvent",
    "Switch",
    "UsageDay",
    "UsageHour",
    "UsageLine",
    "UsageMinute",
    "UsageReport",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WorkloadIssuer",
    "WorkloadKey",
    "WrongUserCode",
]
