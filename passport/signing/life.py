"""The life of a signing key: next, active, retiring, retired; or leaked. The only writer of the table.

``next`` is published a day before it signs, so that verifiers who keep our key set know it by
then. ``retiring`` stays published until the last token it signed has expired, and a day more.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from cryptography.hazmat.primitives import serialization
from django.db import IntegrityError, transaction

from foundation.ledger.append import append
from foundation.sealing.boxes import open_box, seal
from passport.jose.keys import jwk_of, thumbprint
from passport.jose.signatures import PrivateHandle, generate
from passport.signing.models import SigningKey

State = SigningKey.State

NEXT: Mapping[str, frozenset[str]] = {
    State.NEXT: frozenset({State.ACTIVE, State.LEAKED}),
    State.ACTIVE: frozenset({State.RETIRING, State.LEAKED}),
    State.RETIRING: frozenset({State.RETIRED, State.LEAKED}),
    State.RETIRED: frozenset({State.LEAKED}),
    State.LEAKED: frozenset(),
}
STAMP = {
    State.ACTIVE: "activated_at",
    State.RETIRING: "retiring_at",
    State.RETIRED: "retired_at",
    State.LEAKED: "retired_at",
}

PUBLISHED_BEFORE_USE = timedelta(hours=24)
KEPT_AFTER_USE = timedelta(days=31)
"""A passport lives 30 days; a day more for clocks and caches."""


class TooEarly(Exception):
    """The next key has not been published for a day. ``ready_at`` is when it will have been."""

    def __init__(self, ready_at: datetime) -> None:
        super().__init__(f"the next key may sign from {ready_at.isoformat(timespec='seconds')}")
        self.ready_at = ready_at


def create(use: str, alg: str, state: str, *, actor: str, now: datetime) -> SigningKey:
    """Make a key pair; the private part leaves memory only sealed."""
    return add(use, alg, state, generate(alg), actor=actor, now=now)


def add(use: str, alg: str, state: str, private: PrivateHandle, *, actor: str, now: datetime) -> SigningKey:
    jwk = jwk_of(private.public_key())
    kid = thumbprint(jwk)
    encoded = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with transaction.atomic():
        key = SigningKey.objects.create(
            kid=kid,
            use=use,
            alg=alg,
            state=state,
            public_jwk=jwk,
            sealed_private_key=seal(encoded, context=_context(kid)),
            created_at=now,
            activated_at=now if state == State.ACTIVE else None,
        )
        _record(key, state, actor=actor, reason="created", now=now)
    return key


def open_private(kid: str, sealed: bytes | memoryview) -> PrivateHandle:
    """The private key of a row. Raises CannotOpen when the key ring does not fit."""
    encoded = open_box(sealed, context=_context(kid))
    # Sealed by ``add``, which takes no other kinds.
    return cast("PrivateHandle", serialization.load_der_private_key(encoded, password=None))


def ensure(use: str, alg: str, *, spare: bool, actor: str, now: datetime) -> None:
    """Make an active key, and with ``spare`` a next one, where there is none."""
    try:
        with transaction.atomic():
            states = {key.state for key in _locked(use)}
            if State.ACTIVE not in states:
                create(use, alg, State.ACTIVE, actor=actor, now=now)
            if spare and State.NEXT not in states:
                create(use, alg, State.NEXT, actor=actor, now=now)
    except IntegrityError:
        # Another process made the active key in the same moment: the database allows one.
        if not SigningKey.objects.filter(use=use, state=State.ACTIVE).exists():
            raise


def rotate(use: str, alg: str, *, immediately: bool, actor: str, now: datetime) -> SigningKey:
    """Let the next key sign and publish another to follow it. Gives the one now active.

    Raises TooEarly when it was not published long enough, unless ``immediately``: then verifiers
    with an old copy of our key set fetch it anew when they meet the unknown ``kid``.
    """
    with transaction.atomic():
        rows = _locked(use)
        follower = next((key for key in rows if key.state == State.NEXT), None)
        if follower is None:
            follower = create(use, alg, State.NEXT, actor=actor, now=now)
        ready_at = follower.created_at + PUBLISHED_BEFORE_USE
        if immediately or now >= ready_at:
            _promote(rows, follower, actor=actor, reason="rotation", now=now)
            create(use, alg, State.NEXT, actor=actor, now=now)
    # Outside the transaction: a key that was only just published stays so.
    if follower.state != State.ACTIVE:
        raise TooEarly(ready_at)
    return follower


def leak(kid: str, *, actor: str, now: datetime) -> None:
    """Withdraw a key that others may hold: unpublished at once, the next one signs in its place.

    What it signed must be revoked with it: the caller places a final revoke on the signing key
    (`passport.restrictions.place`, subject ``signing_key``) in the same transaction.
    Raises SigningKey.DoesNotExist.
    """
    with transaction.atomic():
        key = SigningKey.objects.get(pk=kid)
        rows = _locked(key.use)
        key = next(row for row in rows if row.pk == kid)
        if key.state == State.LEAKED:
            return
        signed_now, was_next = key.state == State.ACTIVE, key.state == State.NEXT
        _move(key, State.LEAKED, actor=actor, reason="leaked", now=now)
        if signed_now:
            follower = next((row for row in rows if row.state == State.NEXT), None)
            follower = follower or create(key.use, key.alg, State.NEXT, actor=actor, now=now)
            _promote(rows, follower, actor=actor, reason="leaked", now=now)
        if signed_now or was_next:
            create(key.use, key.alg, State.NEXT, actor=actor, now=now)


def retire_due(now: datetime) -> int:
    """Withdraw retiring keys whose last token has expired. Gives how many."""
    due = SigningKey.objects.filter(state=State.RETIRING, retiring_at__lte=now - KEPT_AFTER_USE)
    with transaction.atomic():
        rows = list(due.select_for_update())
        for key in rows:
            _move(key, State.RETIRED, actor="system:signing", reason="expired", now=now)
    return len(rows)


def _locked(use: str) -> list[SigningKey]:
    return list(SigningKey.objects.select_for_update().filter(use=use).order_by("kid"))


def _promote(rows: list[SigningKey], follower: SigningKey, *, actor: str, reason: str, now: datetime) -> None:
    for key in rows:
        if key.state == State.ACTIVE:
            _move(key, State.RETIRING, actor=actor, reason=reason, now=now)
    _move(follower, State.ACTIVE, actor=actor, reason=reason, now=now)


def _move(key: SigningKey, wanted: str, *, actor: str, reason: str, now: datetime) -> None:
    if wanted not in NEXT[key.state]:
        raise ValueError(f"a {key.state} key does not become {wanted}")
    key.state = wanted
    setattr(key, STAMP[State(wanted)], now)
    key.save(update_fields=["state", STAMP[State(wanted)]])
    _record(key, wanted, actor=actor, reason=reason, now=now)


def _record(key: SigningKey, state: str, *, actor: str, reason: str, now: datetime) -> None:
    append(
        f"signing_key.{state}",
        actor=actor,
        subject_ids=[key.kid],
        reason=reason,
        payload={"use": key.use, "alg": key.alg},
        at=now,
    )


def _context(kid: str) -> str:
    return f"signing-key/{kid}"
