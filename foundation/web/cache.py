"""The table of the shared cache: rate limits of sign-in and spent one-time codes, seen by every process."""

from django.db import models


class CacheRow(models.Model):
    """Django's database cache reads and writes this table by itself; the columns are its own."""

    cache_key = models.CharField(primary_key=True, max_length=255)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "foundation_cache"
