"""Token Status Lists: which index belongs to whom, what was published, and what has to be."""

from django.db import models

from foundation import clock
from foundation.ids import new_id


class StatusList(models.Model):
    """One published list, ``ISS/status/{number}``."""

    number = models.PositiveIntegerField(primary_key=True)
    bits = models.PositiveSmallIntegerField(default=2)
    size = models.PositiveIntegerField(default=2**17)
    content = models.BinaryField()
    """The packed values as last decided, uncompressed (least significant bits first)."""
    decoys = models.BinaryField(default=b"")
    """Indexes that belong to nobody and change with the others: 4 bytes each, big-endian, sorted."""
    ledger = models.BigIntegerField(default=0)
    """The ledger position up to which ``token`` holds: orders lists and deltas."""
    token = models.TextField(blank=True)
    """The signed list last published; signed anew before it ages."""
    signed_at = models.DateTimeField(null=True)
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"status list {self.number}"


class StatusEntry(models.Model):
    """An index given to the root of credentials: a passport's jti, or an agent's client_id.

    Drawn at random; never given again.
    """

    list = models.ForeignKey(StatusList, on_delete=models.PROTECT, related_name="+", db_index=False)
    index = models.PositiveIntegerField()
    root = models.CharField(max_length=100, unique=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "status entry", "status entries"
        constraints = [models.UniqueConstraint(fields=["list", "index"], name="one_index_each")]


class StatusMark(models.Model):
    """Subjects whose bits may have changed, left by whoever changed the fact, in the same transaction.

    The publisher takes it away when every list it touches has been looked at.
    """

    id = models.BigAutoField(primary_key=True)
    subject_type = models.CharField(max_length=12)
    batch_id = models.CharField(max_length=64, blank=True)
    """All subjects that this batch ever restricted; else ``subject_ids``."""
    subject_ids = models.JSONField(default=list)
    marked_at = models.DateTimeField(default=clock.now)


def new_delta_id() -> str:
    return new_id("delta")


class StatusDelta(models.Model):
    """One change of one list, for readers of the feed that resume. Kept for an hour.

    A ledger entry ``status.published`` names it in its payload; that entry's position is the delta's.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_delta_id, editable=False)
    list = models.ForeignKey(StatusList, on_delete=models.PROTECT, related_name="+")
    suspended = models.TextField(blank=True)
    """Indexes that tightened to SUSPENDED, packed (base64url of LEB128 gaps)."""
    invalid = models.TextField(blank=True)
    """Indexes that tightened to INVALID, packed."""
    whole = models.BooleanField(default=False)
    """The list loosened somewhere, or is smaller than its delta: fetch it."""
    signed = models.BooleanField(default=False)
    """Whether a signed list holds the change."""
    marked_at = models.DateTimeField()
    """When the fact was committed, as near as the mark knows."""
    created_at = models.DateTimeField(default=clock.now, db_index=True)
