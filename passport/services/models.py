"""Relying parties, what they offer, and which agent may reach what."""

from django.db import models

from foundation import clock
from foundation.ids import new_id

INTROSPECTION_ALGS = ("RS256", "ES256")
"""How an introspection answer can be signed; the first is RFC 9701's default."""


def new_service_id() -> str:
    return new_id("svc")


class Service(models.Model):
    """A relying party: an audience, and a confidential client of ours."""

    id = models.CharField(primary_key=True, max_length=64, default=new_service_id, editable=False)
    """Also its ``client_id``."""
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    audience = models.CharField(max_length=512, unique=True)
    """Absolute URI without fragment: ``aud`` of its tokens, RFC 8707's ``resource``."""
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    environment = models.CharField(max_length=8)
    enabled = models.BooleanField(default=True)
    secret_hash = models.BinaryField(max_length=32, null=True)
    """Keyed SHA-256 of the generated secret; null where it signs assertions."""
    jwks = models.JSONField(default=dict, blank=True)
    """Its public keys: those it registered, or those last read at ``jwks_uri``."""
    jwks_uri = models.CharField(max_length=512, blank=True)
    keys_read_at = models.DateTimeField(null=True, blank=True)
    issuer_scopes = models.CharField(max_length=300, blank=True)
    """What its own tokens for ``ISS/v1`` may carry, separated by spaces."""
    introspection_signed_response_alg = models.CharField(
        max_length=8, blank=True, choices=[(alg, alg) for alg in INTROSPECTION_ALGS]
    )
    """RFC 9701 section 6: where set, introspection answers it with signed responses only."""
    dpop_bound_access_tokens_required = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Scope(models.Model):
    """What a service offers under one name, and the levels it asks for."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=200)
    least_identity = models.CharField(max_length=12, default="document")
    least_payment = models.CharField(max_length=12, default="instrument")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "name"], name="one_scope_each")]


class AgentGrant(models.Model):
    """Which scopes of a service an agent may reach. One row for each agent and service."""

    agent = models.ForeignKey("passport.Agent", on_delete=models.CASCADE, related_name="grants")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+")
    scopes = models.CharField(max_length=4096)
    """Names, separated by spaces."""
    authorization_details = models.JSONField(default=list, blank=True)
    """What it may spend and move there (RFC 9396); empty: nothing of the kind."""
    granted_by = models.CharField(max_length=80, blank=True)
    granted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "service"], name="one_grant_each")]
