"""The one mechanism of enforcement (DESIGN section 3), and the switches for the worst day."""

from django.db import models
from django.db.models import Q

from foundation import clock
from passport.fields import Effect, effect_field


def own_effect() -> "models.PositiveSmallIntegerField[int, int]":
    """With a default in the database too: a server of the release before writes rows without it."""
    return models.PositiveSmallIntegerField(
        choices=Effect.choices, default=Effect.NONE, db_default=int(Effect.NONE)
    )


class AccountState(models.Model):
    """The account as this app knows it: its own strongest effects, everywhere and in one environment.

    Issuing locks this row ``FOR SHARE``, restricting ``FOR UPDATE`` in order of id.
    """

    account = models.OneToOneField(
        "accounts.Account", primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    effect = effect_field()
    factor = models.FloatField(default=1.0)
    """Of a throttle: the share of its limits that the account keeps."""
    sandbox_effect = own_effect()
    """Of what is placed on the account in the sandbox alone; ``effect`` holds there too."""
    sandbox_factor = models.FloatField(default=1.0, db_default=1.0)
    live_effect = own_effect()
    live_factor = models.FloatField(default=1.0, db_default=1.0)


class Restriction(models.Model):
    """One effect on one subject. Lifted, never deleted."""

    class Subject(models.TextChoices):
        ACCOUNT = "account", "Account"
        AGENT = "agent", "Agent"
        KEY = "key", "Key"
        PASSPORT = "passport", "Passport"
        SIGNING_KEY = "signing_key", "Signing key"

    id = models.BigAutoField(primary_key=True)
    subject_type = models.CharField(max_length=12, choices=Subject.choices)
    subject_id = models.CharField(max_length=100)
    """The account's id, the agent's client_id, the key's id, the passport's jti, the signing key's kid."""
    account_id = models.CharField(max_length=64, blank=True)
    """Whose it is; empty for a signing key."""
    environment = models.CharField(max_length=8, blank=True, db_default="")
    """An account's agents of this environment alone; empty: of both. Other subjects are in one anyhow."""
    effect = models.PositiveSmallIntegerField(choices=Effect.choices)
    factor = models.FloatField(default=1.0)
    issued_before = models.DateTimeField(null=True)
    """Covers only credentials issued before it; null covers all."""
    batch = models.ForeignKey(
        "passport.RevocationBatch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """Its unique constraint is its index."""
    reason = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    placed_by = models.CharField(max_length=80)
    placed_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True)
    final = models.BooleanField(default=False)
    """Cannot be lifted: a stolen key's, a leaked signing key's, or one past its undo window."""
    undo_until = models.DateTimeField(null=True)
    """While set, a revoke is published as SUSPENDED; emptied when the window has closed."""
    lifted_by = models.CharField(max_length=80, blank=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(effect__gte=Effect.THROTTLE, effect__lte=Effect.REVOKE), name="restriction_effect"
            ),
            models.CheckConstraint(condition=Q(factor__gte=0.0, factor__lte=1.0), name="restriction_factor"),
            models.UniqueConstraint(
                fields=["batch", "subject_type", "subject_id"],
                condition=Q(batch__isnull=False),
                name="one_restriction_a_batch",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id"], condition=Q(lifted_at=None), name="restriction_active"
            ),
            models.Index(
                fields=["ends_at"],
                condition=Q(lifted_at=None, ends_at__isnull=False),
                name="restriction_ends",
            ),
            models.Index(
                fields=["undo_until"],
                condition=Q(lifted_at=None, undo_until__isnull=False),
                name="restriction_undo",
            ),
            models.Index(fields=["account_id"], name="restriction_account"),
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk}"


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

    class Meta:
        verbose_name, verbose_name_plural = "switch", "switches"
