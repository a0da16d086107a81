"""Where developers want to be told, what they are told, and how the deliveries went."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


def new_endpoint_id() -> str:
    return new_id("hook")


def new_message_id() -> str:
    return new_id("msg")


class WebhookEndpoint(models.Model):
    """An address of an account that is told what happens to its agents."""

    id = models.CharField(primary_key=True, max_length=64, default=new_endpoint_id, editable=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=1000)
    events = models.JSONField(default=list)
    """Names of ``messages.EVENTS``."""
    secret = models.BinaryField()
    """Sealed. Shown once, in the answer that made it."""
    former_secret = models.BinaryField(null=True)
    """Sealed; signs beside the new one until ``former_until``."""
    former_until = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=80, blank=True)
    failing_since = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "webhook", "webhooks"

    def __str__(self) -> str:
        return self.id


class WebhookDelivery(models.Model):
    """One message to one address. Sent again it keeps its id, so that a receiver knows it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.CharField(primary_key=True, max_length=64, default=new_message_id, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    about = models.CharField(max_length=160)
    """What makes it this message and no other: one address hears of it once."""
    payload = models.TextField()
    """The body, byte for byte."""
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(default=clock.now)
    error = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "delivery of a webhook", "deliveries of webhooks"
        constraints = [models.UniqueConstraint(fields=["endpoint", "about"], name="told_once_each")]
        indexes = [
            models.Index(fields=["retry_at"], condition=Q(state="waiting"), name="webhook_due"),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_newest"),
        ]


class Notice(models.Model):
    """A mail to the people of an account that was asked for; one of a kind each."""

    account_id = models.CharField(max_length=64)
    about = models.CharField(max_length=160)
    sent_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "about"], name="noticed_once_each")]
