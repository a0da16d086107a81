"""Suspicions, each with its source and its evidence."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


def new_flag_id() -> str:
    return new_id("flag")


class Flag(models.Model):
    """Somebody or something suspects an account or a cluster."""

    class Source(models.TextChoices):
        PERSON = "person", "A person"
        PROVIDER = "provider", "A provider of identity or payment"
        SERVICE = "service", "A service"
        DETECTOR = "detector", "A detector"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CONFIRMED = "confirmed", "Confirmed"
        DISMISSED = "dismissed", "Dismissed"

    id = models.CharField(primary_key=True, max_length=64, default=new_flag_id, editable=False)
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    cluster = models.ForeignKey(
        "accounts.Cluster", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    environment = models.CharField(max_length=8)
    reason = models.CharField(max_length=64)
    source = models.CharField(max_length=10, choices=Source.choices)
    confidence = models.FloatField(default=1.0)
    evidence = models.JSONField(default=dict)
    raised_by = models.CharField(max_length=80)
    raised_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(cluster__isnull=False), name="flag_has_subject"
            ),
            models.UniqueConstraint(
                fields=["account", "environment", "reason"],
                condition=Q(state="open", account__isnull=False),
                name="one_open_flag_an_account",
            ),
            models.UniqueConstraint(
                fields=["cluster", "environment", "reason"],
                condition=Q(state="open", account__isnull=True),
                name="one_open_flag_a_cluster",
            ),
        ]
        indexes = [models.Index(fields=["state", "-raised_at"], name="flag_queue")]

    def __str__(self) -> str:
        return self.id
