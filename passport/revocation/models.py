"""Batches, their members and who looked at them, and policies that respond by themselves."""

from django.db import models
from django.db.models import F, Q

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
    follows = models.CharField(max_length=64, blank=True)
    """The batch whose cluster had newcomers after its preview."""
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
    """SHA-256 over the stored set and its effect: what an approval binds."""
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(null=True)
    accounts_hit = models.PositiveIntegerField(default=0)
    recorded = models.PositiveIntegerField(default=0)
    """Members whose own history already shows it: how far the work behind the fact is."""
    done_at = models.DateTimeField(null=True)
    undo_until = models.DateTimeField(null=True)
    """A revoke may be undone until then; null for a throttle or suspend, which always may."""
    undone_by = models.CharField(max_length=80, blank=True)
    undone_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=64, blank=True)
    receipt = models.TextField(blank=True)
    """Compact JWS."""
    undo_receipt = models.TextField(blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "revocation batch", "revocation batches"
        indexes = [
            models.Index(fields=["state", "-created_at"], name="batch_state"),
            models.Index(fields=["started_by", "started_at"], name="batch_starter"),
            models.Index(fields=["cluster_id", "started_at"], name="batch_cluster"),
        ]

    def __str__(self) -> str:
        return self.id


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


class ChosenList(models.Model):
    """What a person handed in to choose a batch by: a name a line, as it was."""

    batch = models.OneToOneField(
        RevocationBatch, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    names = models.JSONField()


class Quarantine(models.Model):
    """Somebody came back after a ban: noticed now, acted on at a moment that nobody can foresee."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8)
    batch_id = models.CharField(max_length=64)
    """Whose members it shares so much with."""
    noticed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "environment", "batch_id"], name="one_quarantine_each")
        ]
        indexes = [models.Index(fields=["done_at", "due_at"], name="quarantine_due")]


class BatchView(models.Model):
    """When a person last opened the preview, and the set that was shown: an approval needs both."""

    batch = models.ForeignKey(RevocationBatch, on_delete=models.CASCADE, related_name="+")
    viewer = models.CharField(max_length=80)
    set_digest = models.CharField(max_length=64)
    viewed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "viewer"], name="one_view_each")]


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
    written_at = models.DateTimeField(default=clock.now)
    approved_by = models.CharField(max_length=80, blank=True)
    enabled = models.BooleanField(default=False)

    class Meta:
        verbose_name, verbose_name_plural = "response policy", "response policies"
        constraints = [
            models.CheckConstraint(condition=Q(effect__lt=Effect.REVOKE), name="a_policy_never_revokes"),
            models.CheckConstraint(
                condition=Q(enabled=False) | (~Q(approved_by="") & ~Q(approved_by=F("written_by"))),
                name="policy_by_two_people",
            ),
        ]


class Response(models.Model):
    """What was done about a flag by itself, or why nothing was."""

    class Outcome(models.TextChoices):
        ACTED = "acted", "Acted"
        OBSERVED = "observed", "Would have acted"
        REVIEW = "review", "Left to a person"

    flag_id = models.CharField(primary_key=True, max_length=64)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    why = models.CharField(max_length=64, blank=True)
    batch = models.OneToOneField(RevocationBatch, null=True, on_delete=models.PROTECT, related_name="+")
    accounts = models.PositiveIntegerField(default=0)
    responded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    """When the flag had been decided and this had been followed up."""
