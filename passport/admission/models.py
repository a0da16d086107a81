"""Admission without Redis: the mode row, and the tables of the database twin."""

from django.db import models


class AdmissionMode(models.Model):
    """One row (id 1), read with every request's fact: which store decides, and since when."""

    class Mode(models.TextChoices):
        REDIS = "redis", "Redis"
        MEMORY = "memory", "In process"
        DATABASE = "database", "Database"

    mode = models.CharField(max_length=8, choices=Mode.choices)
    since = models.DateTimeField()
    """Proofs made before it need a nonce of ours: what was spent before is not known."""
    reason = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "admission mode", "admission modes"


class SpentProof(models.Model):
    """A jti that was used, until it could not be accepted anyway."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    expires_at_us = models.BigIntegerField(db_index=True)


class DatabaseBucket(models.Model):
    """A GCRA bucket held in the database: its theoretical arrival time, in microseconds."""

    key = models.CharField(primary_key=True, max_length=200)
    tat_us = models.BigIntegerField()
