"""What was issued."""

from django.db import models

from foundation.ids import new_id
from passport.fields import effect_field


def new_jti() -> str:
    return new_id("pp")


class Passport(models.Model):
    """A 30-day passport, bound to one key of one agent."""

    jti = models.CharField(primary_key=True, max_length=64, default=new_jti, editable=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey("passport.Agent", on_delete=models.PROTECT, related_name="passports")
    key = models.ForeignKey("passport.AgentKey", on_delete=models.PROTECT, related_name="+")
    signing_key = models.ForeignKey("passport.SigningKey", on_delete=models.PROTECT, related_name="+")
    environment = models.CharField(max_length=8)
    scopes = models.CharField(max_length=4096)
    assurance = models.JSONField()
    limits = models.JSONField()
    status_list = models.ForeignKey("passport.StatusList", on_delete=models.PROTECT, related_name="+")
    status_index = models.PositiveIntegerField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    effect = effect_field()
    renewed_from = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64)
    """Of the signed token: the token itself is not kept."""

    class Meta:
        indexes = [
            models.Index(fields=["account", "expires_at"], name="passport_by_account"),
            models.Index(fields=["agent", "-issued_at"], name="passport_by_agent"),
            models.Index(fields=["status_list", "status_index"], name="passport_by_status"),
        ]

    def __str__(self) -> str:
        return self.jti


class IssueRecord(models.Model):
    """An access token that may exist: drained from the issue streams. Nothing depends on it."""

    jti = models.CharField(max_length=64, unique=True)
    root = models.CharField(max_length=100)
    """The passport's jti, or the agent's client_id."""
    account_id = models.CharField(max_length=64)
    agent = models.CharField(max_length=100)
    audience = models.CharField(max_length=512)
    scopes = models.CharField(max_length=4096)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["agent", "-issued_at"], name="issue_agent"),
            models.Index(fields=["account_id", "-issued_at"], name="issue_account"),
        ]


class RevokedToken(models.Model):
    """One access token that was revoked before its end (RFC 7009), until nobody would accept it anyway."""

    jti = models.CharField(primary_key=True, max_length=64)
    agent = models.CharField(max_length=100)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField()
    revoked_by = models.CharField(max_length=80)
