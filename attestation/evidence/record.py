"""Writes what a provider's object says about an account. The only writer of attestations' states.

``settle`` is called with a freshly fetched object, as often and in whatever order events
arrive: an older version changes nothing, and an equal one has been applied already.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from django.db import transaction

from accounts.linkage.memory import remembered
from accounts.linkage.observe import observe
from attestation.contract import FingerprintKind, Observation, State
from attestation.evidence import flags, life, reuse
from attestation.evidence.models import Attestation
from attestation.evidence.recompute import recompute
from attestation.evidence.standing import levels_of
from foundation.ledger.append import append
from foundation.sealing.hashes import keyed_hash

log = structlog.get_logger()

ACTOR: Final = "system:attestation"
LONGEST_LIFE: Final = timedelta(days=365)
CHARGE_LIFE: Final = timedelta(days=180)
"""How long a good charge speaks for a card."""
SIGNALS: Final = {
    FingerprintKind.DOCUMENT: "government_document",
    FingerprintKind.CARD: "payment_instrument",
}
"""What linkage is told of. A person's name and birthday collide, so they only limit reuse."""

MEMORIES: Final = {
    Attestation.Kind.IDENTITY: (SIGNALS[FingerprintKind.DOCUMENT], "identity.banned"),
    Attestation.Kind.PAYMENT: (SIGNALS[FingerprintKind.CARD], "payment.banned_instrument"),
}


class Outcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    MISMATCH = "mismatch"
    FORBIDDEN_STEP = "forbidden_step"


def settle(attestation_id: str, seen: Observation, *, now: datetime) -> Outcome:
    """Apply ``seen`` to its attestation: state, signals, flags, level and ledger in one transaction."""
    with transaction.atomic():
        row = Attestation.objects.select_for_update().get(pk=attestation_id)
        if seen.reference != row.pk or seen.livemode != (row.environment == "live"):
            flags.raise_mismatch(row)
            return Outcome.MISMATCH
        if seen.version <= row.provider_version:
            return Outcome.UNCHANGED
        row.provider_version = seen.version
        _tell_linkage(row, seen, now)
        try:
            target = life.step(State(row.state), _held_back(row, seen, now))
        except life.ForbiddenStep as refused:
            log.warning("attestation_step_refused", attestation=row.pk, step=str(refused))
            row.save(update_fields=["provider_version"])
            return Outcome.FORBIDDEN_STEP
        _take(row, target, seen, now)
        return Outcome.APPLIED


def release(attestation_id: str, *, actor: str, now: datetime, note: str = "") -> bool:
    """A person has looked at a held result and accepts it. False: nothing was held.

    ``note`` says why; it lies in the record, where it can be erased. The flag that the hold
    raised is dismissed with it: it asked the same question.
    """
    with transaction.atomic():
        row = Attestation.objects.select_for_update().get(pk=attestation_id)
        if not row.hold or row.released_at or row.state != State.REVIEW:
            return False
        row.released_by, row.released_at = actor, now
        _move(row, State.VERIFIED, row.hold, now, actor, note)
        flags.dismiss_hold(row, actor, now)
        return True


def refuse(attestation_id: str, *, actor: str, now: datetime, note: str = "") -> bool:
    """A person has looked at a held result and does not accept it. False: nothing was held."""
    with transaction.atomic():
        row = Attestation.objects.select_for_update().get(pk=attestation_id)
        if not row.hold or row.released_at or row.state != State.REVIEW:
            return False
        row.reason = "not_accepted"
        _move(row, State.FAILED, "not_accepted", now, actor, note)
        return True


def end(row_id: str, state: State, *, reason: str, now: datetime) -> bool:
    """A timer's step: lapse or give up. False: the row has moved on meanwhile."""
    with transaction.atomic():
        row = Attestation.objects.select_for_update().get(pk=row_id)
        if state not in life.NEXT[State(row.state)]:
            return False
        row.reason = reason
        _move(row, state, reason, now, "system:attestation-timer")
        return True


def _held_back(row: Attestation, seen: Observation, now: datetime) -> State:
    """The observed state, or review where a verified result waits for a person of ours.

    Asked once, when it is verified first: who came later must not undo who was before.
    """
    if seen.state is not State.VERIFIED or row.released_at:
        return seen.state
    if not row.hold and row.verified_at is None:
        reuse.one_at_a_time(row.environment, seen.fingerprints)
        row.hold = _remembered(row, now) or reuse.find_hold(row, seen.fingerprints, now)
    return State.REVIEW if row.hold else State.VERIFIED


def _remembered(row: Attestation, now: datetime) -> str:
    """The hold for an account that is seen with a document or card of somebody who was revoked."""
    kind, hold = MEMORIES[Attestation.Kind(row.kind)]
    found = remembered(row.account_id, row.environment, now=now)
    return hold if any(kind in kinds for kinds in found.values()) else ""


def _take(row: Attestation, target: State, seen: Observation, now: datetime) -> None:
    declined = seen.state is State.FAILED and seen.tries > row.tries
    row.tries = max(row.tries, seen.tries)
    row.reason = seen.reason
    row.level = seen.level or row.level
    row.method = seen.method or row.method
    row.evidence_digest = keyed_hash("attestation-evidence-digest", seen.evidence).digest
    if seen.state in {State.VERIFIED, State.REVERSED}:
        row.expires_at = lapses_at(row.level, seen.evidence_expires_at, row.verified_at or now)
    reuse.remember(row, seen.fingerprints, declined=declined, now=now)
    _move(row, target, row.hold if target is State.REVIEW and row.hold else seen.reason, now, ACTOR)
    flags.raise_for(row, seen, now)


def lapses_at(level: str, evidence_expires_at: datetime | None, verified_at: datetime) -> datetime:
    """The end of the evidence, but a year at most; a charge speaks for half a year."""
    longest = verified_at + (CHARGE_LIFE if level == "charged" else LONGEST_LIFE)
    return min(evidence_expires_at or longest, longest)


def _tell_linkage(row: Attestation, seen: Observation, now: datetime) -> None:
    """Only of what was accepted: a refused document or a declined card proves no tie."""
    if seen.state not in {State.VERIFIED, State.REVERSED}:
        return
    for fingerprint in seen.fingerprints:
        if kind := SIGNALS.get(fingerprint.kind):
            observe(row.account_id, row.environment, kind, fingerprint.value, seen_at=now)


def _move(row: Attestation, target: State, reason: str, now: datetime, actor: str, note: str = "") -> None:
    """Save the row in its new state, and what follows from it for the account."""
    previous, row.state, row.updated_at = row.state, target.value, now
    before = levels_of(row.account_id, row.environment, now)
    if target is State.VERIFIED and row.verified_at is None:
        row.verified_at = now
    row.save()
    held = recompute(row.account_id, row.environment, now)
    append(
        "attestation.changed",
        actor=actor,
        subject_ids=[row.pk, row.account_id],
        reason=reason,
        payload={
            "kind": row.kind,
            "provider": row.provider,
            "environment": row.environment,
            "from": previous,
            "to": row.state,
            "level": row.level,
            "identity": held.identity,
            "payment": held.payment,
            "before": {"identity": before.identity, "payment": before.payment},
        },
        text=note,
        at=now,
    )
