"""Batches, their members, policies that respond by themselves, and the switches for the worst day."""

from django.db import models

from foundation import clock
from foundation.ids import new_id
from passport.fields import Effect


def new_batch_id() -> str:
    return new_id("batch")


class RevocationBatch(models.Model):
    """A set of accounts or agents, an effect, a reason: previewed, approved, run, undone."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PREVIEWED = "previewed", "Previewed"
        AWAITING = "awaiting_approval", "Awaiting approval"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        CANCELLED = "cancelled", "Cancelled"

    id = models.CharField(primary_key=True, max_length=64, default=new_batch_id, editable=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    environment = models.CharField(max_length=8)
    chosen_by = models.CharField(max_length=20)
    """How the set was chosen: ``cluster``, ``account``, ``agent``, ``thumbprint`` …"""
    chosen_from = models.CharField(max_length=128)
    cluster_id = models.CharField(max_length=64, blank=True)
    flag_id = models.CharField(max_length=64, blank=True)
    effect = models.PositiveSmallIntegerField(choices=Effect.choices, default=Effect.SUSPEND)
    factor = models.FloatField(default=1.0)
    reason = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    requested_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now)
    preview = models.JSONField(default=dict)
    """The figures that were shown."""
    previewed_at = models.DateTimeField(null=True)
    set_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 over the stored set: what an approval binds."""
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    undo_until = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=80, blank=True)
    undone_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=64, blank=True)
    receipt = models.TextField(blank=True)
    """Compact JWS."""
    undo_receipt = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-created_at"], name="batch_state")]


class BatchMember(models.Model):
    """One subject of the stored set, and why it is in."""

    batch = models.ForeignKey(RevocationBatch, on_delete=models.CASCADE, related_name="members")
    subject_type = models.CharField(max_length=12)
    subject_id = models.CharField(max_length=100)
    account_id = models.CharField(max_length=64)
    why = models.JSONField(default=list)
    """Reasons in words, and the kinds and holders behind them."""
    excluded = models.BooleanField(default=False)
    excluded_reason = models.CharField(max_length=200, blank=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "subject_type", "subject_id"], name="one_member_each")
        ]


class ResponsePolicy(models.Model):
    """What may happen by itself on a flag. Off until one person wrote and another approved it."""

    flag_reason = models.CharField(max_length=64, unique=True)
    effect = models.PositiveSmallIntegerField(choices=Effect.choices)
    factor = models.FloatField(default=1.0)
    spread_factor = models.FloatField(default=1.0)
    """The throttle on the rest of the cluster; 1.0 leaves it alone."""
    lapse_hours = models.PositiveIntegerField(default=72)
    cap = models.PositiveIntegerField(default=10)
    """The most accounts one run may touch."""
    written_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80, blank=True)
    enabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)


class Switch(models.Model):
    """Pauses for the worst day, each with a reason, an end, and who."""

    class Name(models.TextChoices):
        SIGN_UPS = "sign_ups", "Pause sign-ups"
        RESPONSES = "responses", "Pause all automatic responses"
        ISSUANCE = "issuance", "Pause issuance"
        OBSERVE_LIMITS = "observe_limits", "Limits only observe"
        OBSERVE_LINKAGE = "observe_linkage", "Linkage only observes"
        OBSERVE_RESPONSES = "observe_responses", "Responses only observe"

    name = models.CharField(primary_key=True, max_length=20, choices=Name.choices)
    on = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    changed_by = models.CharField(max_length=80, blank=True)
    changed_at = models.DateTimeField(default=clock.now)
