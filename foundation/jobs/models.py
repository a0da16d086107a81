"""The outbox: work that outlives the request that asked for it."""

from django.db import models
from django.db.models import Q


class Job(models.Model):
    """One piece of work, written in the transaction that made it necessary."""

    name = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    key = models.CharField(max_length=200, blank=True)
    """At most one waiting job of a key: asking twice is asking once."""
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    lease = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(finished_at=None, lease="") & ~Q(key=""), name="job_key_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(finished_at=None), name="job_due"),
        ]


class Periodic(models.Model):
    """When a periodic function last began."""

    name = models.CharField(primary_key=True, max_length=100)
    began_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = "periodic work", "periodic work"
