"""The two tokens of dynamic registration: one that lets a client in, one that lets it back to its entry.

Both are random and kept as keyed hashes only; the ring's key may rotate while they live.
"""

import secrets
from datetime import datetime, timedelta

from foundation.ledger.append import append
from foundation.sealing.hashes import keyed_hash, keyed_hashes
from passport.agents.models import InitialToken, RegistrationToken

INITIAL_LIFE = timedelta(hours=1)
INITIAL, REGISTRATION = "passport.agents.initial_token", "passport.agents.registration_token"
MOST_CHARACTERS = 128


def make_initial_token(account_id: str, environment: str, *, actor: str, now: datetime) -> str:
    """A token that registers one agent of the account, once, within an hour. Shown now and never again."""
    token = f"iat_{secrets.token_urlsafe(32)}"
    row = InitialToken.objects.create(
        digest=_digest(INITIAL, token),
        account_id=account_id,
        environment=environment,
        created_by=actor,
        created_at=now,
        expires_at=now + INITIAL_LIFE,
    )
    append("initial_token.made", actor=actor, subject_ids=[row.pk, account_id], at=now)
    return token


def find_initial_token(token: str, now: datetime) -> InitialToken | None:
    """The row, while the token is unused and in time."""
    if len(token) > MOST_CHARACTERS:
        return None
    rows = InitialToken.objects.filter(digest__in=_digests(INITIAL, token))
    return rows.filter(used_at=None, expires_at__gt=now).first()


def use_initial_token(row: InitialToken, now: datetime) -> bool:
    """Whether this caller is the one to use it: of several at once, exactly one is."""
    return bool(InitialToken.objects.filter(pk=row.pk, used_at=None).update(used_at=now))


def make_registration_token(client_id: str, now: datetime) -> str:
    """In the transaction that registers the client."""
    token = f"rat_{secrets.token_urlsafe(32)}"
    RegistrationToken.objects.create(digest=_digest(REGISTRATION, token), client_id=client_id, created_at=now)
    return token


def find_registered(token: str) -> str | None:
    """The client whose registration the token opens."""
    if len(token) > MOST_CHARACTERS:
        return None
    rows = RegistrationToken.objects.filter(digest__in=_digests(REGISTRATION, token))
    return rows.values_list("client_id", flat=True).first()


def end_registration(*client_ids: str) -> None:
    """Their registration tokens open nothing any more."""
    RegistrationToken.objects.filter(client_id__in=client_ids).delete()


def _digest(purpose: str, token: str) -> str:
    return keyed_hash(purpose, token.encode()).digest.hex()


def _digests(purpose: str, token: str) -> list[str]:
    return [found.digest.hex() for found in keyed_hashes(purpose, token.encode())]
