"""What services said agents used of them: as it came, and added up by minute, hour and day.

Never what was sent or answered. An address is kept as the keyed hash of its network, a prompt as
the smallest hashes of its shingles.
"""

from django.db import models


class Measured(models.Model):
    """Who used what, and how the calls ended."""

    account_id = models.CharField(max_length=64)
    environment = models.CharField(max_length=8)
    agent = models.CharField(max_length=100)
    service_id = models.CharField(max_length=64)
    scope = models.CharField(max_length=64, blank=True)
    root = models.CharField(max_length=100, blank=True)
    """The credential: a passport's jti or the agent's client_id; empty where it was not said."""
    units = models.BigIntegerField()
    allowed = models.BigIntegerField()
    failed = models.BigIntegerField()
    over_limit = models.BigIntegerField()
    lacks_scope = models.BigIntegerField()
    restricted = models.BigIntegerField()
    bad_proof = models.BigIntegerField()
    other = models.BigIntegerField()

    class Meta:
        abstract = True


class UsageReport(models.Model):
    """One report of a service, so that the same one sent again counts once. Kept two days."""

    service_id = models.CharField(max_length=64)
    report_id = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    """Of the body."""
    accepted = models.PositiveIntegerField()
    unknown = models.JSONField(default=list)
    """Places of the items whose agent the service cannot know."""
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service_id", "report_id"], name="one_report_each")]


class UsageLine(Measured):
    """One item of a report: one agent, scope and credential in one minute. Kept two days."""

    minute = models.DateTimeField(db_index=True)
    asn = models.BigIntegerField(null=True)
    network = models.BinaryField(max_length=32, null=True)
    """Keyed hash of the /24 or /48."""
    sketch = models.BinaryField(max_length=256, null=True)
    """MinHash: 64 values of 4 bytes, big-endian."""
    rolled_by = models.CharField(max_length=64, blank=True, db_index=True)
    """The roll-up that counted it; empty until then."""


class UsageSum(Measured):
    """Lines added up over one span of time."""

    starts_at = models.DateTimeField(db_index=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "starts_at", "agent", "service_id", "scope", "root", "environment"],
                name="one_%(class)s_each",
            )
        ]


class UsageMinute(UsageSum):
    """Kept three days."""


class UsageHour(UsageSum):
    """Kept 45 days."""


class UsageDay(UsageSum):
    """Kept 400 days. Days of UTC."""


class PairwiseAccount(models.Model):
    """What an account is called at a service, so that a report by that name finds it."""

    service_id = models.CharField(max_length=64)
    name = models.CharField(max_length=40)
    account_id = models.CharField(max_length=64)
    key_id = models.CharField(max_length=64)
    """The key of the ring that the name was made under."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service_id", "name"], name="one_pairwise_name_each")]
        indexes = [models.Index(fields=["service_id", "account_id"], name="pairwise_by_account")]


class AbuseReport(models.Model):
    """A service's word that an account abuses it. Raises a flag; decides nothing."""

    service_id = models.CharField(max_length=64)
    report_id = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    account_id = models.CharField(max_length=64, db_index=True)
    reason = models.CharField(max_length=64)
    confidence = models.FloatField()
    flag_id = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service_id", "report_id"], name="one_abuse_report_each")
        ]
