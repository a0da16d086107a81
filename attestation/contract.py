"""What a provider of identity or payment must answer (pure).

An adapter under ``providers/`` speaks a vendor's protocol and answers in these words. It
keeps no state and knows no table. What decides is always the object that ``fetch`` brought:
a webhook only says that there is something to fetch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """Where a proof is in its life, whoever proves it."""

    PENDING = "pending"
    PROCESSING = "processing"
    REVIEW = "review"
    VERIFIED = "verified"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REVERSED = "reversed"
    REDACTED = "redacted"


class FingerprintKind(StrEnum):
    DOCUMENT = "document"
    """Type, country and number of an identity document: strong, changes on renewal."""
    PERSON = "person"
    """Folded name and date of birth: survives a renewal, collides for namesakes."""
    CARD = "card"
    """The vendor's stable token of a card number; the vendor's name is part of the value."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A raw value that tells two people or cards apart. Lives only until it is hashed."""

    kind: FingerprintKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartRequest:
    reference: str
    """The attestation's id; the vendor keeps it and must give it back."""
    kind: str
    level: str
    return_url: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Started:
    subject_ref: str
    redirect_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EventRef:
    """A verified webhook: something happened to ``object_ref``. Says nothing about what is true."""

    id: str
    object_ref: str
    kind: str
    occurred_at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """The vendor's object as fetched."""

    state: State
    reference: str
    livemode: bool
    version: int
    """Grows with every change of the object; equal versions are equal objects."""
    level: str = ""
    method: str = ""
    reason: str = ""
    tries: int = 0
    """How often the person failed within this object."""
    evidence_expires_at: datetime | None = None
    fingerprints: Sequence[Fingerprint] = ()
    risk: str = ""
    evidence: bytes = field(default=b"", repr=False)
    """What was fetched, for the keyed digest alone."""


class ProviderError(Exception):
    """The vendor did not give a usable answer."""


class ProviderAway(ProviderError):
    """Not reached, or out of order: the same call may succeed later.

    ``answered`` says that the vendor replied with an error of its own (5xx). Such a reply is
    replayed for the same idempotency key, so the next try needs a new one.
    """

    def __init__(self, why: str, *, answered: bool = False) -> None:
        super().__init__(why)
        self.answered = answered


class ProviderRefused(ProviderError):
    """The vendor says no: asking again the same way will not help."""


class UnknownObject(ProviderRefused):
    """The vendor has no such object."""


class BadWebhook(Exception):
    """Not from the vendor, or not readable. ``reason`` is one word for the counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Provider(Protocol):
    """One vendor. Every call that leaves the house raises ProviderError and nothing else."""

    name: str
    title: str
    livemode: bool
    """Whether its results count for live agents; else for sandbox agents."""
    kinds: frozenset[str]

    @property
    def origin(self) -> str:
        """Where the browser is sent: pages that lead there must allow it as a target of forms."""

    def start(self, request: StartRequest) -> Started:
        """Open a session, or give the same one again for the same reference."""

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventRef]:
        """Check signature, age and form under every live secret. Raises BadWebhook."""

    def fetch(self, subject_ref: str) -> Observation:
        """The object as it is now. Raises UnknownObject, ProviderAway."""

    def cancel(self, subject_ref: str) -> None:
        """Close a session nobody will finish."""

    def redact(self, subject_ref: str) -> None:
        """Have the vendor erase its evidence; the result stays."""

    def list_events(self, since: datetime) -> list[EventRef] | None:
        """What happened since then, for those that were never delivered; None: cannot be listed."""

    def probe(self) -> None:
        """Raise ProviderError when the vendor is away."""
