"""What providers told us, stored once, applied exactly once."""

from django.db import models

from foundation import clock


class ProviderEvent(models.Model):
    """A verified webhook. It means "fetch"; nothing else of its body is believed."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=128)
    type = models.CharField(max_length=100)
    object_ref = models.CharField(max_length=128)
    livemode = models.BooleanField()
    digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(default=clock.now)
    applied_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="one_event_each")]
        indexes = [models.Index(fields=["applied_at", "id"], name="event_unapplied")]

    def __str__(self) -> str:
        return self.event_id
