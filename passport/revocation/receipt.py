"""The signed receipt of a batch: what was done to whom by whose word, to keep and to show."""

from datetime import datetime

from foundation.ledger.read import head
from foundation.ledger.sequence import sequence
from passport.fields import Effect
from passport.protocol import TYP_RECEIPT
from passport.restrictions.models import Restriction
from passport.revocation.batch import State
from passport.revocation.models import RevocationBatch
from passport.signing import keys


def write_receipt(batch_id: str, issuer: str, *, now: datetime) -> str:
    """Sign what the batch has come to and store it; an undone one gets a second receipt."""
    sequence()
    batch = RevocationBatch.objects.get(pk=batch_id)
    token = keys.active("tokens").sign(claims(batch, issuer, ledger=head(), now=now), typ=TYP_RECEIPT)
    field = "undo_receipt" if batch.state in {State.UNDOING, State.UNDONE} else "receipt"
    RevocationBatch.objects.filter(pk=batch_id).update(**{field: token})
    return token


def claims(batch: RevocationBatch, issuer: str, *, ledger: int, now: datetime) -> dict[str, object]:
    """Times in whole seconds; ``ledger`` is a position at or behind the last entry about it."""
    placed = Restriction.objects.filter(batch=batch)
    return {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "batch": batch.pk,
        "state": batch.state,
        "environment": batch.environment,
        "effect": Effect(batch.effect).name.lower(),
        "reason": batch.reason,
        "set_digest": batch.set_digest,
        "counts": {
            "accounts": batch.accounts_hit,
            "restrictions": placed.count(),
            "lifted": placed.exclude(lifted_at=None).count(),
            "agents": batch.preview.get("agents", 0),
            "passports": batch.preview.get("passports", 0),
        },
        "requested_by": batch.requested_by,
        "approved_by": batch.approved_by,
        "started_by": batch.started_by,
        "undone_by": batch.undone_by,
        "times": {
            name: int(moment.timestamp())
            for name, moment in (
                ("requested", batch.created_at),
                ("approved", batch.approved_at),
                ("started", batch.started_at),
                ("done", batch.done_at),
                ("undo_until", batch.undo_until),
                ("undone", batch.undone_at),
            )
            if moment is not None
        },
        "ledger": ledger,
    }
