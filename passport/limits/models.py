"""Limits in force: per service and scope, per level, per account; and how they came to be."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


def new_change_id() -> str:
    return new_id("lch")


class LimitPolicy(models.Model):
    """So many cost units in so many seconds, for each credential or for each account.

    ``service`` empty is the token endpoint itself (scope ``token``).
    """

    class Level(models.TextChoices):
        CREDENTIAL = "credential", "Each agent"
        ACCOUNT = "account", "Each account"

    class Unit(models.TextChoices):
        REQUESTS = "requests", "Cost units"
        MODEL_TOKENS = "model-tokens", "Model tokens"

    service = models.ForeignKey(
        "passport.Service", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    scope = models.CharField(max_length=64)
    name = models.CharField(max_length=32)
    """As clients see it in RateLimit-Policy."""
    applies_to = models.CharField(max_length=10, choices=Level.choices)
    tier = models.CharField(max_length=12, blank=True)
    """Least identity level it is for; empty is everybody's default."""
    quota = models.PositiveIntegerField()
    window_seconds = models.PositiveIntegerField()
    burst = models.PositiveIntegerField()
    """How many units may come at once; at most ``quota``."""
    unit = models.CharField(
        max_length=16, choices=Unit.choices, default=Unit.REQUESTS, db_default=Unit.REQUESTS
    )
    """What is counted. Model tokens are charged where a decision names how many."""

    class Meta:
        verbose_name, verbose_name_plural = "limit policy", "limit policies"
        constraints = [
            models.UniqueConstraint(
                fields=["service", "scope", "name", "applies_to", "tier"], name="one_policy_each"
            ),
            models.UniqueConstraint(
                fields=["scope", "name", "applies_to", "tier"],
                condition=Q(service=None),
                name="one_issuer_policy_each",
            ),
        ]


class LimitOverride(models.Model):
    """An exception for one account. Always with an end and a reason."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    policy = models.ForeignKey(LimitPolicy, on_delete=models.CASCADE, related_name="+")
    quota = models.PositiveIntegerField()
    burst = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    requested_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "policy"], name="one_override_each")]


class LimitChange(models.Model):
    """A change of one policy or override: prepared, previewed, then in force, or not."""

    class Kind(models.TextChoices):
        POLICY = "policy", "Policy"
        DROP = "drop", "End of a policy"
        OVERRIDE = "override", "Override"
        END = "end", "End of an override"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    id = models.CharField(primary_key=True, max_length=64, default=new_change_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    account_id = models.CharField(max_length=64, blank=True)
    """Whose override; empty for a policy."""
    wanted = models.JSONField()
    """The row as it shall be (``changes.PolicyTerms``, ``changes.OverrideTerms``)."""
    before = models.JSONField(null=True)
    """The row as it was when this was prepared: an approval holds for that and nothing else."""
    reason = models.CharField(max_length=200)
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField(default=clock.now)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "change of limits", "changes of limits"
        indexes = [models.Index(fields=["state", "-requested_at"], name="limit_change_state")]
