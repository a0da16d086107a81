"""What time alone changes: proofs lapse, sessions nobody finished are given up."""

from datetime import timedelta
from typing import Final

from attestation.contract import State
from attestation.evidence.life import COUNTING
from attestation.evidence.models import Attestation
from attestation.evidence.record import end
from foundation import clock
from foundation.jobs.periodic import every

SECONDS: Final = 60
AT_ONCE: Final = 500
NEVER_STARTED: Final = timedelta(hours=48)
"""A row whose start the provider never answered."""


@every(SECONDS, "attestation.expire")
def expire() -> int:
    """Lower what has lapsed. A level stops counting on time even when this runs late."""
    now = clock.now()
    lapsed = Attestation.objects.filter(state__in=COUNTING, expires_at__lte=now)
    found = lapsed.order_by("expires_at").values_list("pk", flat=True)[:AT_ONCE]
    return sum(end(pk, State.EXPIRED, reason="lapsed", now=now) for pk in list(found))


@every(3600, "attestation.give_up")
def give_up() -> int:
    now = clock.now()
    stuck = Attestation.objects.filter(
        state=State.PENDING, subject_ref="", created_at__lte=now - NEVER_STARTED
    )
    found = stuck.values_list("pk", flat=True)[:AT_ONCE]
    return sum(end(pk, State.CANCELED, reason="never_started", now=now) for pk in list(found))
