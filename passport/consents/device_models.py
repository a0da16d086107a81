"""Requests of devices that wait for a person (RFC 8628), and wrong tries at their codes.

The toolkit's model is extended: its codes in clear, its moment of the last poll that any save
moves, and its lack of what was asked for are replaced.
"""

from django.db import models
from oauth2_provider.models import AbstractDeviceGrant

from passport.consents.models import Consent


class DeviceRequest(AbstractDeviceGrant):
    """``device_code`` and ``user_code`` hold hashes: who reads the table can neither poll nor approve."""

    last_checked = None  # type: ignore[assignment]
    client_id = models.CharField(max_length=255, db_index=True)
    user_code = models.CharField(max_length=64, unique=True)
    resources = models.JSONField()
    scope_was_named = models.BooleanField()
    thumbprint = models.CharField(max_length=43, blank=True)
    """The key that must poll, where the request came with a proof by one."""
    address = models.CharField(max_length=45, blank=True)
    """Where the request came from, for the person to compare; goes with the row, a day after its end."""
    software = models.CharField(max_length=120, blank=True)
    asked_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True)
    consent = models.OneToOneField(Consent, null=True, on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField(null=True)

    class Meta(AbstractDeviceGrant.Meta):
        abstract = False


class WrongUserCode(models.Model):
    """A user code that nobody waits for was typed: by this person, from this address."""

    holder = models.CharField(max_length=64)
    """Keyed hash of the person or the address, hexadecimal."""
    typed_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["holder", "typed_at"], name="wrong_code_by_holder")]
