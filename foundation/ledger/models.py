"""The tables of the record. Entries and positions are insert-only: the database itself refuses a change."""

from django.db import models


class Entry(models.Model):
    """One thing that happened, written in the transaction that changed the fact."""

    type = models.CharField(max_length=64)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    """Who did it: ``user:usr_…``, ``agent:agent_…``, ``service:svc_…``, ``system:<part>``."""
    subject_ids = models.JSONField(default=list)
    reason = models.CharField(max_length=64, blank=True)
    payload = models.JSONField(default=dict)
    """No personal data, no secret. Free text lies in EntryText; its digest is in here."""
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the canonical form of all the above: the leaf of the Merkle tree."""

    class Meta:
        verbose_name, verbose_name_plural = "ledger entry", "ledger entries"
        indexes = [models.Index(fields=["type", "id"], name="entry_type")]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class EntrySubject(models.Model):
    """Finds the entries about one subject."""

    id = models.BigAutoField(primary_key=True)
    subject_id = models.CharField(max_length=80)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name, verbose_name_plural = "subject of an entry", "subjects of entries"
        indexes = [models.Index(fields=["subject_id", "entry"], name="entry_subject")]


class EntryText(models.Model):
    """Free text of an entry, erasable: the entry keeps only the digest."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="text")
    text = models.TextField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = "text of an entry", "texts of entries"


class Waiting(models.Model):
    """An entry that has no number yet; the row goes when it has one, so a sweep reads only what waits."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name, verbose_name_plural = "entry without a number", "entries without a number"


class Position(models.Model):
    """The place of an entry in the one order of all entries, given after commit."""

    number = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="position")
    placed_at = models.DateTimeField()


class Head(models.Model):
    """One row (id 1): the last number given. Its lock makes the order."""

    number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = "head of the ledger", "heads of the ledger"


class LedgerKey(models.Model):
    """A key that signs checkpoints and nothing else."""

    kid = models.CharField(primary_key=True, max_length=43)
    public_jwk = models.JSONField()
    sealed_private_key = models.BinaryField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)


class Checkpoint(models.Model):
    """The signed root of the tree over the first ``size`` positions (RFC 6962 section 2.1)."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    leaves = models.BinaryField()
    """The digests since the checkpoint before it, 32 bytes each: they tell which entry was altered."""
    frontier = models.JSONField()
    """Roots of the perfect subtrees, hex, largest first: enough to go on from here."""
    signed_at = models.DateTimeField()
    token = models.TextField()
    """Compact JWS, ``typ`` agent-passport-checkpoint+jwt, claims ``iss iat size root``."""
