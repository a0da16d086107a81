"""What was observed, what it links, and what is remembered. Never a value: keyed hashes only."""

from django.db import models

from foundation import clock
from foundation.ids import new_id


class Environment(models.TextChoices):
    LIVE = "live", "Live"
    SANDBOX = "sandbox", "Sandbox"


class Kind(models.TextChoices):
    """The kinds of LINKAGE section 4, spelt as in the signal log."""

    PAYMENT = "payment_instrument", "Payment card or bank account"
    DOCUMENT = "government_document", "Identity document"
    PHONE = "phone", "Phone number"
    EMAIL = "email", "E-mail address"
    DEVICE = "device", "Device"
    IP_PREFIX = "ip_prefix", "Network address range"
    ASN = "asn", "Network operator"
    KEY = "key_thumbprint", "Key"
    DOMAIN = "domain", "Verified domain"
    SOCIAL = "social_identity", "Social sign-in"
    TRAFFIC = "traffic", "Traffic pattern"


class Signal(models.Model):
    """An account was seen with a value. Sandbox signals never touch live clusters."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=Environment.choices)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    key_id = models.CharField(max_length=16)
    """Which key of the ring made the hash."""
    value_hash = models.BinaryField(max_length=32)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "kind", "value_hash", "account"], name="one_signal_each"
            )
        ]
        indexes = [
            models.Index(fields=["account", "environment"], name="signal_account"),
            models.Index(fields=["last_seen_at"], name="signal_last_seen"),
        ]


class ActivityDay(models.Model):
    """In which five-minute slots of a UTC day an account was at work. Kept as seen: no value lies in it."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=Environment.choices)
    day = models.DateField()
    slots = models.BinaryField(max_length=36)
    """288 bits, first slot = highest bit of the first byte."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "environment", "day"], name="one_day_each")]
        indexes = [models.Index(fields=["day"], name="activity_day")]


def new_cluster_id() -> str:
    return new_id("clu")


class Cluster(models.Model):
    """Accounts that look like one actor. Keeps its identity when it grows, merges or splits."""

    class Grade(models.TextChoices):
        LINKED = "linked", "Linked"
        SYNCHRONOUS = "synchronous", "In step"
        SUSPECTED = "suspected", "Suspected"
        ORGANISATION = "organisation", "Organisation"
        CANDIDATE = "candidate", "Candidate"

    id = models.CharField(primary_key=True, max_length=64, default=new_cluster_id, editable=False)
    environment = models.CharField(max_length=8, choices=Environment.choices)
    grade = models.CharField(max_length=12, choices=Grade.choices)
    model_version = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    split_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.id


class AccountCluster(models.Model):
    """Where an account stands now, per environment. The row stays when the account leaves a cluster."""

    class Basis(models.TextChoices):
        """By what an account is in its cluster."""

        BLOCK = "block", "Two independent ways"
        ATTACHED = "attached", "Several kinds of evidence, added up"
        SUSPECTED = "suspected", "Single ties among accounts nobody vouches for"
        IN_STEP = "in_step", "Acts in step with the others"
        PINNED = "pinned", "A person said so"

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=Environment.choices)
    cluster = models.ForeignKey(Cluster, null=True, on_delete=models.PROTECT, related_name="+")
    basis = models.CharField(max_length=9, choices=Basis.choices, default=Basis.BLOCK, db_default=Basis.BLOCK)
    """Online only blocks are recomputed; whoever is in by anything else stays until the next rebuild."""
    changed_at = models.DateTimeField()
    """The last change of partition: proofs made before it are asked for anew (DESIGN section 5)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "environment"], name="one_place_each")]
        indexes = [models.Index(fields=["cluster", "account"], name="cluster_members")]


class ClusterLink(models.Model):
    """One reason: a value that several members of a cluster were seen with."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value_hash = models.BinaryField(max_length=32)
    holders = models.PositiveIntegerField()
    """How many accounts of the whole environment were seen with the value."""
    bits = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "account", "kind", "value_hash"], name="one_link_each")
        ]


class BanMemory(models.Model):
    """What outlives erasure: the hash of a value of somebody who was revoked, why, and until when."""

    environment = models.CharField(max_length=8, choices=Environment.choices)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    key_id = models.CharField(max_length=16)
    value_hash = models.BinaryField(max_length=32)
    members = models.PositiveIntegerField(default=1)
    """How many of those who were revoked were seen with the value."""
    member_tag = models.CharField(max_length=16, blank=True)
    """Stands for one of them, so that two can be told apart when both are erased."""
    reason = models.CharField(max_length=64)
    batch_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = "ban memory", "ban memories"
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "kind", "value_hash", "batch_id"], name="one_memory_a_batch"
            )
        ]
        indexes = [models.Index(fields=["batch_id"], name="ban_batch")]


class Pin(models.Model):
    """A person's word on two accounts; it stands above what was found, until it ends."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    """The one that is moved."""
    other = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=Environment.choices)
    together = models.BooleanField()
    reason = models.CharField(max_length=200)
    placed_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "other", "environment"],
                condition=models.Q(ended_at=None),
                name="one_pin_in_force",
            )
        ]


class UnsettledAccount(models.Model):
    """The neighbourhood of this account has changed and was not recomputed yet."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=Environment.choices)
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "environment"], name="one_mark_each")]
        indexes = [models.Index(fields=["environment", "marked_at"], name="unsettled_oldest")]


class LinkageLock(models.Model):
    """One row for each environment: whoever changes clusters holds it."""

    environment = models.CharField(primary_key=True, max_length=8, choices=Environment.choices)
    asked_at = models.DateTimeField(null=True)
    """When so much changed that all blocks are to be found anew; None when that was done."""


class LinkageModel(models.Model):
    """A version of the weights. One is in force; a learnt one is in shadow until a person adopts it."""

    class State(models.TextChoices):
        SHADOW = "shadow", "In shadow"
        ACTIVE = "active", "In force"
        RETIRED = "retired", "Retired"

    version = models.CharField(primary_key=True, max_length=32)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SHADOW)
    bits = models.JSONField(default=dict)
    """By kind the bits of a value with 2, 3, 4 to 8, and 9 and more holders. Empty: those of judgement."""
    cases = models.PositiveIntegerField(default=0)
    """Decided cases it was learnt from."""
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_model_in_force"
            )
        ]

    def __str__(self) -> str:
        return self.version


class LinkageRun(models.Model):
    """A rebuild from scratch, and how far the clusters found online were from it."""

    environment = models.CharField(max_length=8, choices=Environment.choices)
    model_version = models.CharField(max_length=32)
    engine = models.CharField(max_length=8, default="duckdb")
    shadow = models.BooleanField()
    """True: only compared; the clusters stayed as they were."""
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    accounts = models.PositiveIntegerField()
    signals = models.PositiveIntegerField()
    clusters = models.PositiveIntegerField()
    accounts_that_differ = models.PositiveIntegerField()
    """Accounts whose fellow members online were others than the rebuild found."""
    accounts_to_move = models.PositiveIntegerField(default=0)
    """Accounts whose fellow members are others in the rebuild, by whatever they are in."""
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=80, blank=True)
    figures = models.JSONField(default=dict)
    """The largest clusters: members, values, density, fewest holders."""


class LinkageDifference(models.Model):
    """One account that a rebuild would put elsewhere. Kept of the last run of an environment."""

    run = models.ForeignKey(LinkageRun, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    cluster_before = models.CharField(max_length=64, blank=True)
    grade_after = models.CharField(max_length=12, blank=True)
    """Empty: in no cluster."""
    first_account_after = models.CharField(max_length=64, blank=True)
    """Names the group it would be in: clusters have ids only once they are written."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "account"], name="one_difference_each")]
