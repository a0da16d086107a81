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
    started_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now)
    verified_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["account", "environment", "kind"], name="attestation_account"),
            models.Index(fields=["provider", "subject_ref"], name="attestation_ref"),
        ]


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
