"""Agents and their public keys."""

from django.db import models
from oauth2_provider.models import AbstractApplication

from foundation import clock
from foundation.ids import new_id
from passport.agents.redirect_uris import NATIVE, WEB
from passport.fields import effect_field


def new_agent_id() -> str:
    return new_id("agent")


def new_key_id() -> str:
    return new_id("key")


class Agent(AbstractApplication):
    """An AI agent: the toolkit's application. ``client_id`` is also ``sub``."""

    class Environment(models.TextChoices):
        LIVE = "live", "Live"
        SANDBOX = "sandbox", "Sandbox"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        CLOSED = "closed", "Closed"

    client_id = models.CharField(max_length=100, unique=True, default=new_agent_id, editable=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=300, blank=True)
    software = models.CharField(max_length=120, blank=True)
    environment = models.CharField(max_length=8, choices=Environment.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    effect = effect_field()
    application_type = models.CharField(max_length=8, choices=[(WEB, WEB), (NATIVE, NATIVE)], default=WEB)
    """Installed applications (RFC 7591 ``native``) may be redirected to on ``localhost``."""
    require_pushed_authorization_requests = models.BooleanField(default=False)
    dpop_bound_access_tokens = models.BooleanField(default=False)
    """RFC 9449 section 5.2: every token of this client is bound to a key."""
    created_by = models.CharField(max_length=80, blank=True)
    last_exchange_at = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractApplication.Meta):
        abstract = False
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        indexes = [models.Index(fields=["account", "-id"], name="agent_account")]


class AgentKey(models.Model):
    """A public key of an agent. Two may be active at once, so that one can follow the other."""

    id = models.CharField(primary_key=True, max_length=64, default=new_key_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="keys")
    kid = models.CharField(max_length=128)
    thumbprint = models.CharField(max_length=43, unique=True)
    """RFC 7638, SHA-256, base64url. No other agent may ever register it."""
    jwk = models.JSONField()
    alg = models.CharField(max_length=8)
    not_before = models.DateTimeField(default=clock.now)
    not_after = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    effect = effect_field()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "kid"], name="one_kid_each")]
