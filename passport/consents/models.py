"""What people let clients do for them, and the codes and refresh tokens that come of it.

Codes and refresh tokens extend the toolkit's models: it hashes what it stores and rotates by
family. A client here is named by its ``client_id``, not by a row of the toolkit's application
model: openly registered clients and metadata documents are no agents (docs/decisions).
"""

import uuid

from django.db import models
from oauth2_provider.models import AbstractGrant, AbstractRefreshToken

from foundation.ids import new_id


def new_consent_id() -> str:
    return new_id("consent")


class Consent(models.Model):
    """A person lets one client act for them, at these services and no others, until it ends.

    The root of every token that comes of it: one place on a status list.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_consent_id, editable=False)
    family = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    """``token_family`` of its refresh tokens."""
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=255)
    client_kind = models.CharField(max_length=8)
    client_name = models.CharField(max_length=255)
    """As the person read it."""
    client_digest = models.CharField(max_length=64, blank=True)
    """Of the redirects and keys of a metadata document: when they change, consent is asked anew."""
    agent = models.ForeignKey(
        "passport.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    """The account that the person lets it manage; null for all other services."""
    redirect_host = models.CharField(max_length=255, blank=True)
    environment = models.CharField(max_length=8, blank=True)
    """The agent's; empty for other clients."""
    resources = models.JSONField()
    scopes = models.CharField(max_length=4096)
    details = models.JSONField(default=list)
    """``authorization_details`` (RFC 9396) as granted."""
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    """When the client first got a token: before, there is nothing to withdraw."""
    last_used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=40, blank=True)
    ended_by = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-given_at"], name="consent_by_person"),
            models.Index(fields=["client_id"], name="consent_by_client"),
        ]

    @property
    def scope_names(self) -> frozenset[str]:
        return frozenset(self.scopes.split())


class AuthorizationCode(AbstractGrant):
    """A code for one consent. ``code`` holds its SHA-256: who reads the table can redeem nothing."""

    application = None  # type: ignore[assignment]
    nonce = None  # type: ignore[assignment]
    claims = None  # type: ignore[assignment]
    consent = models.OneToOneField(Consent, on_delete=models.CASCADE, related_name="+")
    thumbprint = models.CharField(max_length=43, blank=True)
    """``dpop_jkt``: the key that must redeem it, where the client named one (RFC 9449 section 10)."""
    redirect_was_sent = models.BooleanField()
    """Whether the authorization request named its redirect_uri: then the token request must too."""
    used_at = models.DateTimeField(null=True)

    class Meta(AbstractGrant.Meta):
        abstract = False


class RefreshToken(AbstractRefreshToken):
    """One link of a family. ``revoked`` is when it was rotated, or when the family ended."""

    application = None  # type: ignore[assignment]
    access_token = None
    client_id = models.CharField(max_length=255)
    thumbprint = models.CharField(max_length=43, blank=True)
    """The key that it is bound to."""
    expires_at = models.DateTimeField(db_index=True)

    class Meta(AbstractRefreshToken.Meta):
        abstract = False


class PushedRequest(models.Model):
    """An authorization request that the client left here (RFC 9126)."""

    digest = models.CharField(primary_key=True, max_length=64)
    """SHA-256 of the random part of its ``request_uri``."""
    client_id = models.CharField(max_length=255)
    parameters = models.JSONField()
    """Name to list of values, as checked."""
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
