"""Codes are redeemed once, refresh tokens are rotated: each step is taken by who changes the row first."""

from datetime import datetime

from oauth2_provider.models import set_token_value

from passport.conf import refresh_life
from passport.consents.models import AuthorizationCode, Consent, RefreshToken
from passport.consents.secrets import MAX_CHARACTERS, REFRESH, digest_of, new_secret


def find_code(code: str) -> AuthorizationCode | None:
    """With its consent and the person; one query. Used and expired ones too: the grant says what is wrong."""
    rows = AuthorizationCode.objects.select_related("consent", "consent__user")
    return rows.filter(code=digest_of(code)).first()


def take_code(code: AuthorizationCode, now: datetime) -> bool:
    """Redeem it. False: somebody was first."""
    return bool(AuthorizationCode.objects.filter(pk=code.pk, used_at=None).update(used_at=now))


def find_refresh_token(token: str) -> RefreshToken | None:
    if len(token) > MAX_CHARACTERS:
        return None
    return RefreshToken.objects.filter(token_checksum=digest_of(token)).order_by("pk").first()


def find_family(token: RefreshToken) -> Consent | None:
    return Consent.objects.select_related("user").filter(family__in=[token.token_family]).first()


def take_refresh_token(token: RefreshToken, now: datetime) -> bool:
    """Rotate it out. False: somebody was first, or the family has ended."""
    rows = RefreshToken.objects.filter(pk=token.pk, revoked=None)
    return bool(rows.update(revoked=now, updated=now))


def add_refresh_token(consent: Consent, *, thumbprint: str, now: datetime) -> str:
    """The next link of the family: seen this once, kept as a checksum (``set_token_value``)."""
    secret = new_secret(REFRESH)
    row = RefreshToken(
        user_id=consent.user_id,
        client_id=consent.client_id,
        token_family=consent.family,
        resource=consent.resources,
        thumbprint=thumbprint,
        expires_at=min(now + refresh_life(), consent.expires_at),
    )
    set_token_value(row, secret)
    row.save(force_insert=True)
    return secret
