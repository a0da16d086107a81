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


def new_token_id() -> str:
    return new_id("itk")


def new_client_id() -> str:
    return new_id("client")


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
    jwks_uri = models.CharField(max_length=500, blank=True)
    """Where its keys are published; empty: they are registered one by one."""
    keys_read_at = models.DateTimeField(null=True, blank=True)
    grant_types = models.CharField(max_length=400, blank=True)
    """Names of RFC 7591, space separated, of a client that registered itself; empty: all that suit it."""
    metadata = models.JSONField(default=dict, blank=True)
    """What else it said of itself when it registered (RFC 7591 section 2): shown, never decided by."""
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
    fetched = models.BooleanField(default=False)
    """Came from the agent's ``jwks_uri``, and goes when it is no longer there."""
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "kid"], name="one_kid_each")]

    def __str__(self) -> str:
        return self.id


class InitialToken(models.Model):
    """Lets one client register itself for an account, once (RFC 7591 section 3: initial access token)."""

    id = models.CharField(primary_key=True, max_length=64, default=new_token_id, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    """Keyed hash of the token, hexadecimal; the token itself is shown once and not kept."""
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    environment = models.CharField(max_length=8, choices=Agent.Environment.choices)
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class RegistrationToken(models.Model):
    """Lets a client that registered itself read, change and end its registration (RFC 7592 section 3)."""

    digest = models.CharField(primary_key=True, max_length=64)
    client_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField()


class OpenClient(models.Model):
    """Registered by itself and for nobody's account: it acts for people who consent, and is no agent."""

    client_id = models.CharField(primary_key=True, max_length=100, default=new_client_id, editable=False)
    name = models.CharField(max_length=80)
    redirect_uris = models.TextField()
    application_type = models.CharField(max_length=8, choices=[(WEB, WEB), (NATIVE, NATIVE)], default=WEB)
    grant_types = models.CharField(max_length=400)
    scope = models.TextField(blank=True)
    dpop_bound_access_tokens = models.BooleanField(default=False)
    require_pushed_authorization_requests = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    """When a person first consented to it; until then it is swept after a day."""
