"""Answers that are kept for clients that ask twice."""

from django.db import models


class KeptAnswer(models.Model):
    """What a POST with an ``Idempotency-Key`` was answered."""

    name = models.CharField(primary_key=True, max_length=64)
    """SHA-256 of the grant and the key."""
    asked = models.CharField(max_length=64)
    """SHA-256 of method, path and body: another request under the same key is refused."""
    status = models.PositiveSmallIntegerField(null=True)
    """None while the work is going on."""
    box = models.BinaryField(default=b"")
    """The body, sealed: it may hold a secret that is shown once."""
    begun_at = models.DateTimeField(db_index=True)
