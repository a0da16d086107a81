"""Which outcomes are suspicions, and under which reason they are raised."""

from datetime import datetime, timedelta
from typing import Final

from accounts.flags.models import Flag
from accounts.flags.raising import decide_flag, raise_flag
from attestation.contract import Observation, State
from attestation.evidence import reuse
from attestation.evidence.models import Attestation
from attestation.evidence.tries import tries_left

RAISED_BY: Final = "system:attestation"
MISMATCH: Final = "provider.mismatch"

REVERSALS: Final = {
    "identity_reversed": "identity.reversed",
    "dispute_fraudulent": "payment.dispute",
    "fraud_warning": "payment.fraud_warning",
}
FORGERIES: Final = frozenset({"selfie_manipulated", "document_manipulated"})
HIGHEST_RISK: Final = "highest"

CARD_DECLINES: Final = 4
CARD_DECLINES_IN: Final = timedelta(days=1)
"""Of one card, whoever tries it (PROVIDERS section 7)."""


def raise_mismatch(row: Attestation) -> None:
    _raise(row, MISMATCH)


def raise_for(row: Attestation, seen: Observation, now: datetime) -> None:
    """Raise what ``seen`` gives reason for; a flag that is open already is not raised twice."""
    for reason in reasons(row, seen, now):
        _raise(row, reason)


def reasons(row: Attestation, seen: Observation, now: datetime) -> list[str]:
    found = []
    if row.state == State.REVERSED:
        found.append(REVERSALS.get(seen.reason, f"{row.kind}.reversed"))
    if row.state == State.REVIEW and row.hold:
        found.append(row.hold)
    if seen.state is State.FAILED:
        found += _of_failures(row, seen, now)
    if seen.risk == HIGHEST_RISK:
        found.append("payment.risk")
    return found


def _of_failures(row: Attestation, seen: Observation, now: datetime) -> list[str]:
    spent = tries_left(row.account_id, row.environment, row.kind, now) == 0
    if row.kind == Attestation.Kind.IDENTITY:
        found = ["identity.forged"] if seen.reason in FORGERIES else []
        return [*found, "identity.attempts"] if spent else found
    declines = reuse.declines_of_card(row, seen.fingerprints, now - CARD_DECLINES_IN)
    return ["payment.card_testing"] if spent or declines >= CARD_DECLINES else []


def dismiss_hold(row: Attestation, actor: str, now: datetime) -> None:
    """A person answered what the flag of this hold asked."""
    raised = Flag.objects.filter(
        account=row.account_id,
        environment=row.environment,
        reason=row.hold,
        state=Flag.State.OPEN,
        evidence__attestation=row.pk,
    )
    for flag_id in raised.values_list("pk", flat=True):
        decide_flag(flag_id, Flag.State.DISMISSED, actor, now=now)


def _raise(row: Attestation, reason: str) -> None:
    raise_flag(
        account_id=row.account_id,
        environment=row.environment,
        reason=reason,
        source="provider",
        confidence=1.0,
        evidence={"attestation": row.pk, "provider": row.provider, "kind": row.kind},
        raised_by=RAISED_BY,
    )
