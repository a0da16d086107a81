"""Limits in force: per service and scope, per level, per account."""

from django.db import models
from django.db.models import Q

from foundation import clock


class LimitPolicy(models.Model):
    """So many cost units in so many seconds, for each credential or for each account.

    ``service`` empty is the token endpoint itself (scope ``token``).
    """

    class Level(models.TextChoices):
        CREDENTIAL = "credential", "Each agent"
        ACCOUNT = "account", "Each account"

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
