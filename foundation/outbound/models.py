"""Documents that were fetched, as every process sees them."""

from django.db import models


class StoredDocument(models.Model):
    """The last good answer of one URL for one purpose, and when it was last asked."""

    digest = models.CharField(primary_key=True, max_length=64)
    """SHA-256 of purpose and URL, hexadecimal."""
    url = models.CharField(max_length=2048)
    body = models.TextField(blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    fresh_until = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(db_index=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    """When the last attempt failed; None: it did not."""
