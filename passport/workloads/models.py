"""External workloads that may ask for an agent's passport: what its owner registered."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


def new_workload_id() -> str:
    return new_id("wli")


class WorkloadIssuer(models.Model):
    """One workload, by who vouches for it and its exact name there."""

    class Kind(models.TextChoices):
        GITHUB = "github", "GitHub Actions"
        KUBERNETES = "kubernetes", "Kubernetes"
        SPIFFE = "spiffe", "SPIFFE"
        OTHER = "other", "Another issuer"

    id = models.CharField(primary_key=True, max_length=64, default=new_workload_id, editable=False)
    agent = models.ForeignKey("passport.Agent", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    issuer = models.CharField(max_length=255)
    """``iss`` byte for byte: an https URL, from which its keys are found."""
    subject = models.CharField(max_length=512)
    """``sub`` byte for byte: no pattern, no prefix."""
    binds_keys = models.BooleanField(default=False)
    """A key that the workload shows becomes a key of the agent, for a day."""
    added_by = models.CharField(max_length=80)
    added_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "issuer", "subject"],
                condition=Q(removed_at=None),
                name="one_workload_each",
            )
        ]


class WorkloadKey(models.Model):
    """A key of an agent that nobody registered by hand: a workload showed it."""

    key = models.OneToOneField(
        "passport.AgentKey", primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    workload = models.ForeignKey(WorkloadIssuer, on_delete=models.PROTECT, related_name="+")
