"""Who may act for an agent: what its owner allowed, and nothing else."""

from django.db import models
from django.db.models import Q

from foundation import clock


class ActingRule(models.Model):
    """``agent`` hands its access tokens on to this agent, or this service may act on with them."""

    agent = models.ForeignKey("passport.Agent", on_delete=models.PROTECT, related_name="+")
    actor_agent = models.ForeignKey(
        "passport.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_service = models.ForeignKey(
        "passport.Service", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    allowed_by = models.CharField(max_length=80)
    allowed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(actor_agent=None, actor_service__isnull=False)
                | Q(actor_agent__isnull=False, actor_service=None),
                name="acting_rule_names_one",
            ),
            models.UniqueConstraint(fields=["agent", "actor_agent"], name="one_rule_for_each_agent"),
            models.UniqueConstraint(fields=["agent", "actor_service"], name="one_rule_for_each_service"),
        ]
