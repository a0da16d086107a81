"""A consent ends early: its refresh tokens at once, its access tokens by the status bit."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from foundation.ledger.append import append
from passport.consents.give import subjects_of
from passport.consents.models import Consent, RefreshToken
from passport.status.dirty import mark

MARK = "consent"
WITHDRAWN = "withdrawn"
CODE_REUSED, REFRESH_REUSED = "code_reused", "refresh_token_reused"
CLIENT_CHANGED, CLIENT_GONE = "client_changed", "client_gone"
HOLDER_REQUEST = "holder_request"


@transaction.atomic
def end_consent(consent_id: str, *, reason: str, actor: str, now: datetime) -> bool:
    """End it with all that came of it. Twice is once: False the second time."""
    rows = Consent.objects.select_for_update().filter(pk=consent_id, ended_at=None)
    consent = rows.select_related(None).first()
    if consent is None:
        return False
    Consent.objects.filter(pk=consent_id).update(ended_at=now, ended_reason=reason, ended_by=actor)
    live = RefreshToken.objects.filter(token_family=consent.family, revoked=None)
    live.update(revoked=now, updated=now)
    mark(MARK, [consent_id])
    append(
        "consent.ended",
        actor=actor,
        subject_ids=subjects_of(consent),
        reason=reason,
        payload={"client": consent.client_id},
        at=now,
    )
    return True


def end_consents_of(client_ids: Iterable[str], *, reason: str, actor: str, now: datetime) -> int:
    """End every consent given to these clients: a document changed, a registration went. Gives how many."""
    found = Consent.objects.filter(client_id__in=list(client_ids), ended_at=None)
    ended = [
        end_consent(pk, reason=reason, actor=actor, now=now) for pk in found.values_list("pk", flat=True)
    ]
    return sum(ended)
