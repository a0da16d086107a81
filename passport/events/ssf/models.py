"""Event streams of services, what is to be told over each, and how far the ledger has been read for them."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


def new_stream_id() -> str:
    return new_id("stream")


def new_set_id() -> str:
    return new_id("set")


class EventStream(models.Model):
    """One stream of one service (SSF 1.0 section 8.1.1)."""

    class Status(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"

    class Method(models.TextChoices):
        PUSH = "urn:ietf:rfc:8935", "Push"
        POLL = "urn:ietf:rfc:8936", "Poll"

    id = models.CharField(primary_key=True, max_length=64, default=new_stream_id, editable=False)
    service = models.ForeignKey("passport.Service", on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=20, choices=Method.choices)
    endpoint_url = models.CharField(max_length=1000, blank=True)
    """Of the receiver, for push; a stream that is polled has an address of ours."""
    authorization = models.BinaryField(null=True)
    """The receiver's own header, sealed. Never given back, never logged."""
    description = models.CharField(max_length=300, blank=True)
    events_requested = models.JSONField(null=True)
    """Null where the receiver named none: it gets all that there are."""
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    status_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    after = models.BigIntegerField(default=0)
    """The ledger position at its creation: nothing older is told."""
    verification_asked_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    """When the receiver last took or asked for something."""
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    """Of the receiver as a whole, in a row."""
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    lease = models.CharField(max_length=64, blank=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "event stream", "event streams"

    def __str__(self) -> str:
        return self.id


class StreamEvent(models.Model):
    """One security event token of one stream; the ``jti`` stays, however often it is sent."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Given up"

    stream = models.ForeignKey(EventStream, on_delete=models.CASCADE, related_name="events")
    jti = models.CharField(max_length=64, unique=True, default=new_set_id, editable=False)
    type = models.CharField(max_length=120)
    claims = models.JSONField()
    """All but ``iss`` and ``aud``."""
    order_key = models.CharField(max_length=100)
    """Whom it is about: what has the same key goes out in order."""
    control = models.BooleanField(default=False)
    """Tells of a pause of the stream itself, so it goes out all the same."""
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=clock.now)
    tried_at = models.DateTimeField(null=True)
    """The first attempt."""
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "security event", "security events"
        indexes = [
            models.Index(fields=["stream", "id"], condition=Q(state="waiting"), name="stream_event_waiting"),
            models.Index(fields=["stream", "state", "-id"], name="stream_event_state"),
            models.Index(fields=["ended_at"], condition=~Q(state="waiting"), name="stream_event_ended"),
        ]


class RemovedSubject(models.Model):
    """Whom the receiver does not want to hear about on this stream (SSF 1.0 section 8.1.3)."""

    stream = models.ForeignKey(EventStream, on_delete=models.CASCADE, related_name="removed")
    digest = models.CharField(max_length=64)
    subject = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "digest"], name="removed_once_each")]


class LedgerCursor(models.Model):
    """How far one reader of the ledger is: what it wrote and this row change together."""

    reader = models.CharField(primary_key=True, max_length=40)
    number = models.BigIntegerField()
    """Entries up to this are done."""
    part = models.CharField(max_length=80, blank=True)
    """How far it is within the next entry, where that one is about many."""
