"""What was proven, by whom, until when. Never the document, never the card number."""

from django.db import models

from foundation import clock
from foundation.ids import new_id


def new_attestation_id() -> str:
    return new_id("att")


class Attestation(models.Model):
    """One proof of identity or payment, from start to end."""

    class Kind(models.TextChoices):
        IDENTITY = "identity", "Identity"
        PAYMENT = "payment", "Payment"

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        PROCESSING = "processing", "Processing"
        REVIEW = "review", "In review"
        VERIFIED = "verified", "Verified"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Cancelled"
        EXPIRED = "expired", "Expired"
        REVERSED = "reversed", "Reversed"
        REDACTED = "redacted", "Redacted"

    id = models.CharField(primary_key=True, max_length=64, default=new_attestation_id, editable=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    provider = models.CharField(max_length=20)
    level = models.CharField(max_length=12, blank=True)
    method = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=64, blank=True)
    subject_ref = models.CharField(max_length=128, blank=True)
    """The provider's own id of the session or object."""
    evidence_digest = models.BinaryField(max_length=32, null=True)
    provider_version = models.BigIntegerField(default=0)
    """The version of the fetched object last applied: an older one changes nothing."""
    attempt = models.PositiveIntegerField(default=1)
    """Part of the idempotency key: raised after the provider answered an error of its own."""
    tries = models.PositiveIntegerField(default=0)
    """How often the person failed within this session, as the provider counts."""
    wanted_level = models.CharField(max_length=12, blank=True)
    session_expires_at = models.DateTimeField(null=True, blank=True)
    hold = models.CharField(max_length=32, blank=True)
    """Why we keep a verified result in review until a person decides; empty: nothing against it."""
    released_by = models.CharField(max_length=80, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now)
    verified_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["account", "environment", "kind"], name="attestation_account"),
            models.Index(fields=["provider", "subject_ref"], name="attestation_ref"),
            models.Index(fields=["state", "updated_at"], name="attestation_state"),
            models.Index(fields=["expires_at"], name="attestation_expiry"),
        ]


class EvidenceHash(models.Model):
    """A keyed hash of a person, document or card that an attestation rests on.

    Answers how many accounts share it, and how often a card was declined; never what it is.
    """

    class Kind(models.TextChoices):
        DOCUMENT = "document", "Document"
        PERSON = "person", "Person"
        CARD = "card", "Card"

    attestation = models.ForeignKey(Attestation, on_delete=models.CASCADE, related_name="hashes")
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key_id = models.CharField(max_length=16)
    """Which key of the ring made the hash."""
    value_hash = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField()
    declines = models.PositiveIntegerField(default=0)
    """Of a card: how often it was declined within this attestation."""

    class Meta:
        verbose_name, verbose_name_plural = "evidence hash", "evidence hashes"
        constraints = [
            models.UniqueConstraint(fields=["attestation", "kind", "value_hash"], name="one_evidence_each")
        ]
        indexes = [models.Index(fields=["environment", "kind", "value_hash"], name="evidence_value")]


class AccountLevel(models.Model):
    """The levels an account holds now: one row an environment, read by the hot path.

    Past ``identity_until`` or ``payment_until`` a level no longer counts, whether or not
    the timer has lowered it yet.
    """

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8)
    identity = models.CharField(max_length=12, default="email")
    identity_method = models.CharField(max_length=32, blank=True)
    identity_at = models.DateTimeField(null=True)
    identity_until = models.DateTimeField(null=True)
    payment = models.CharField(max_length=12, default="none")
    payment_at = models.DateTimeField(null=True)
    payment_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "environment"], name="one_level_each")]
