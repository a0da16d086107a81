"""Collects this app's tables for Django; nothing imports this module."""

from attestation.evidence.models import AccountLevel, Attestation, EvidenceHash
from attestation.inbox.models import ProviderEvent
from attestation.simulators.models import SandboxDelivery, SandboxSession

__all__ = [
    "AccountLevel",
    "Attestation",
    "EvidenceHash",
    "ProviderEvent",
    "SandboxDelivery",
    "SandboxSession",
]
