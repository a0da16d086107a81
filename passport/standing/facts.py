"""What the one read of the hot path gives: facts, as values. Nothing here decides or queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passport.limits.policies import Pool


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key of the agent."""

    id: str
    thumbprint: str
    effect: int
    not_before: datetime
    not_after: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class PassportFacts:
    """The passport at the root of the credential, and what it hangs on."""

    jti: str
    scopes: frozenset[str]
    limits: list[dict[str, Any]]
    issued_at: datetime
    expires_at: datetime
    effect: int
    status_list: int
    status_index: int
    key_id: str
    key_thumbprint: str
    key_effect: int
    signer: str
    signer_state: str
    signer_effect: int


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """As the table has it: a level past its ``until`` no longer counts (attestation.levels.current)."""

    identity: str
    identity_method: str
    identity_at: datetime | None
    identity_until: datetime | None
    payment: str
    payment_at: datetime | None
    payment_until: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """The service at the target, and what the agent was granted there."""

    id: str
    audience: str
    environment: str
    enabled: bool
    bound_tokens_required: bool
    offered: Mapping[str, tuple[str, str]]
    """Scope to its least identity and payment level."""
    granted: frozenset[str]
    details: list[dict[str, Any]]
    """The ``authorization_details`` of that grant."""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One limit policy, with this account's override where one is in force."""

    id: int
    service_id: str
    """Empty for the issuer's own policies."""
    scope: str
    name: str
    applies_to: str
    tier: str
    quota: int
    window_seconds: int
    burst: int
    unit: str
    override_quota: int | None
    override_burst: int | None
    override_until: datetime | None


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """An agent or a service named in ``act``."""

    id: str
    account_id: str
    environment: str
    state: str
    effect: int
    account_effect: int
    key_set: Mapping[str, Any] | None
    """Of a service, the keys that it registered; an agent's own key is in the standing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides whether a credential is good, and what it may become."""

    agent_id: str
    """``client_id`` and ``sub``."""
    agent_pk: int
    agent_name: str
    agent_purpose: str
    agent_software: str
    environment: str
    agent_state: str
    agent_effect: int
    account_id: str
    account_state: str
    account_effect: int
    account_factor: float
    account_created_at: datetime
    levels: LevelFacts
    agent_factor: float
    """What a throttle of the agent itself leaves of its limits; 1: none."""
    cluster_id: str
    """Empty where the account is in none."""
    cluster_grade: str
    cluster_changed_at: datetime | None
    pool: Pool | None
    """What the members' shared budget depends on."""
    mode: str
    mode_since: datetime | None
    signing_kid: str
    """Of our own key that signs now; empty where there is none."""
    switches: Mapping[str, datetime | None]
    """The pauses that are on, and until when each counts."""
    key: KeyFacts | None
    """The key by the asked thumbprint; where none was asked, the passport's own."""
    passport: PassportFacts | None
    service: ServiceFacts | None
    policies: tuple[PolicyFacts, ...]
    """The issuer's for the scope ``token``, and all of the service's."""
    status_list: int | None
    """Of the agent itself: the root of tokens without a passport."""
    status_index: int | None
    signer_state: str
    """Of the key that signed an access token; empty where none was presented."""
    signer_effect: int
    revoked: bool
    """The access token itself was revoked."""
    actors: tuple[ActorFacts, ...]
