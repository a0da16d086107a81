"""Token Status Lists: which index belongs to whom, and what was last published."""

from django.db import models

from foundation import clock


class StatusList(models.Model):
    """One published list, ``ISS/status/{number}``."""

    number = models.PositiveIntegerField(primary_key=True)
    bits = models.PositiveSmallIntegerField(default=2)
    size = models.PositiveIntegerField(default=2**17)
    content = models.BinaryField()
    """The packed values as last published, uncompressed (least significant bits first)."""
    ledger = models.BigIntegerField(default=0)
    """The ledger position up to which ``content`` holds: orders lists and deltas."""
    token = models.TextField(blank=True)
    """The signed list last published; signed anew before it ages."""
    signed_at = models.DateTimeField(null=True)
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)


class StatusEntry(models.Model):
    """An index given to the root of credentials: a passport's jti, or an agent's client_id.

    Drawn at random; not given again while anything that bears it lives.
    """

    list = models.ForeignKey(StatusList, on_delete=models.PROTECT, related_name="+")
    index = models.PositiveIntegerField()
    root = models.CharField(max_length=100, unique=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "index"], name="one_index_each")]
