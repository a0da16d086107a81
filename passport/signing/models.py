"""Our own keys. The private part lies sealed; it is opened in memory only."""

from django.db import models
from django.db.models import Q

from foundation import clock
from passport.fields import effect_field


class SigningKey(models.Model):
    """A key that signs for us, from ``next`` to ``retired``."""

    class Use(models.TextChoices):
        TOKENS = "tokens", "Passports, access tokens, status lists"
        EVENTS = "events", "Security events, introspection"

    class State(models.TextChoices):
        NEXT = "next", "Next"
        ACTIVE = "active", "Active"
        RETIRING = "retiring", "Retiring"
        RETIRED = "retired", "Retired"
        LEAKED = "leaked", "Leaked"

    kid = models.CharField(primary_key=True, max_length=43)
    """RFC 7638 thumbprint."""
    use = models.CharField(max_length=8, choices=Use.choices)
    alg = models.CharField(max_length=8)
    state = models.CharField(max_length=8, choices=State.choices)
    public_jwk = models.JSONField()
    sealed_private_key = models.BinaryField()
    effect = effect_field()
    created_at = models.DateTimeField(default=clock.now)
    activated_at = models.DateTimeField(null=True, blank=True)
    retiring_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use"], condition=Q(state="active"), name="one_active_key_each")
        ]

    def __str__(self) -> str:
        return self.kid
