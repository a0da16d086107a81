"""What this process knows of our own keys, and how it learns of a rotation.

Private keys are opened once and kept in memory. The table is read again after STALE_SECONDS,
when a ``kid`` comes that is not known here (at most once a second), and after any change made in
this process. A caller that read the active ``kid`` with its own query passes it to ``active``
and is never behind.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation import clock
from passport.jose.signatures import PrivateHandle
from passport.signing import life
from passport.signing.models import SigningKey
from passport.signing.signer import Signer, VerifyingKey

__all__ = ["NoKey", "Signer", "VerifyingKey", "active", "ensure_keys", "find_public", "jwks", "rotate"]

State = SigningKey.State

STALE_SECONDS = 5.0
UNKNOWN_SECONDS = 1.0
"""Strangers name unknown keys as they like: that must not become a query each."""

DEFAULT_ALG = {"tokens": "ES256", "events": "RS256"}
"""ES256 verifies fastest; RS256 is the default of RFC 9701 and of security event receivers."""
PUBLISHED = (State.NEXT, State.ACTIVE, State.RETIRING)


class NoKey(LookupError):
    """Nothing can be signed: `manage.py migrate` or `ensure_keys` has not made a key yet."""


@dataclass(frozen=True, slots=True)
class Held:
    signers: Mapping[str, Signer]
    """The active one of each use."""
    public: Mapping[str, VerifyingKey]
    published: tuple[Mapping[str, Any], ...]
    read_at: float


_lock = threading.Lock()
_opened: dict[str, PrivateHandle] = {}
_held: Held | None = None


def active(use: str = "tokens", *, kid: str | None = None) -> Signer:
    """What signs now. No query while what is known is fresh, or its ``kid`` is the one given.

    Raises NoKey.
    """
    held = _known(STALE_SECONDS if kid is None else float("inf"))
    signer = held.signers.get(use)
    if signer is None or (kid is not None and signer.kid != kid):
        signer = _known(0.0).signers.get(use)
    if signer is None:
        raise NoKey(f"there is no active key for {use}")
    return signer


def find_public(kid: str) -> VerifyingKey | None:
    """A published key of ours by its ``kid``. None: unknown, retired or leaked."""
    found = _known(STALE_SECONDS).public.get(kid)
    return found or _known(UNKNOWN_SECONDS).public.get(kid)


def jwks() -> dict[str, list[Mapping[str, Any]]]:
    """The key set to publish (RFC 7517 section 5), sorted by ``kid``."""
    return {"keys": list(_known(STALE_SECONDS).published)}


def ensure_keys(*, actor: str = "system:signing", now: datetime | None = None) -> None:
    """Make the keys that must exist: one that signs tokens, one to follow it, one for events."""
    for use, alg in DEFAULT_ALG.items():
        life.ensure(use, alg, spare=use == "tokens", actor=actor, now=now or clock.now())
    _changed()


def rotate(
    use: str = "tokens", *, actor: str, now: datetime, immediately: bool = False, alg: str | None = None
) -> str:
    """Let the next key sign, and publish another. Gives the ``kid`` now active. Raises TooEarly."""
    try:
        return life.rotate(use, alg or DEFAULT_ALG[use], immediately=immediately, actor=actor, now=now).kid
    finally:
        _changed()


def leak(kid: str, *, actor: str, now: datetime) -> None:
    """Withdraw a stolen key at once: see `life.leak` for what the caller must do with it."""
    life.leak(kid, actor=actor, now=now)
    _changed()


def _changed() -> None:
    """Another thread may read the old rows until the caller's transaction ends: forget twice."""
    forget()
    transaction.on_commit(forget)


def forget() -> None:
    """Read the table anew at the next use."""
    global _held
    _held = None


def _known(most_seconds: float) -> Held:
    held = _held
    if held is not None and time.monotonic() - held.read_at <= most_seconds:
        return held
    with _lock:
        # Whoever waited here takes what the one before it has read.
        newer = _held
        if newer is not None and newer is not held:
            return newer
        return _read()


def _read() -> Held:
    global _held
    read_at = time.monotonic()
    rows = list(SigningKey.objects.filter(state__in=PUBLISHED).order_by("kid"))
    for gone in set(_opened) - {row.kid for row in rows}:
        del _opened[gone]
    _held = Held(
        signers={row.use: _signer(row) for row in rows if row.state == State.ACTIVE},
        public={row.kid: VerifyingKey(row.kid, row.alg, row.public_jwk, row.use) for row in rows},
        published=tuple({**row.public_jwk, "kid": row.kid, "alg": row.alg, "use": "sig"} for row in rows),
        read_at=read_at,
    )
    return _held


def _signer(row: SigningKey) -> Signer:
    if row.kid not in _opened:
        _opened[row.kid] = life.open_private(row.kid, row.sealed_private_key)
    return Signer(row.kid, row.alg, _opened[row.kid])
