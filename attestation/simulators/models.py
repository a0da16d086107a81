"""The sandbox provider's own side: what a real vendor would keep on its servers."""

from django.db import models

from foundation import clock


class SandboxSession(models.Model):
    """A hosted verification at the sandbox provider."""

    id = models.CharField(primary_key=True, max_length=64)
    kind = models.CharField(max_length=10)
    wants = models.CharField(max_length=12)
    """The level asked for: ``document``, ``instrument`` or ``charged``."""
    reference = models.CharField(max_length=64, unique=True)
    """The caller's reference; comes back in the redirect and with the fetched object."""
    return_url = models.TextField()
    state = models.CharField(max_length=12, default="pending")
    reason = models.CharField(max_length=32, blank=True)
    result = models.JSONField(default=dict)
    tries = models.PositiveIntegerField(default=0)
    livemode = models.BooleanField(default=False)
    """Only the delivery mode ``wrongmode`` ever sets it."""
    delivery = models.CharField(max_length=12, blank=True)
    """How the webhooks of this session arrive."""
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()


class SandboxDelivery(models.Model):
    """A webhook the sandbox provider has still to send, or has sent."""

    session = models.ForeignKey(SandboxSession, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=64)
    type = models.CharField(max_length=64)
    body = models.TextField()
    mode = models.CharField(max_length=12, blank=True)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    answer = models.PositiveIntegerField(default=0)
    """The last HTTP status; 0: not reached."""
    created_at = models.DateTimeField(default=clock.now)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "sandbox delivery", "sandbox deliveries"
