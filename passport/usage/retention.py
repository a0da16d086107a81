"""How long usage is kept, and its end: in steps, so that no statement holds the tables for long."""

from datetime import timedelta

from django.db.models import Model, QuerySet

from foundation import clock
from foundation.jobs.periodic import every
from passport.usage.models import UsageDay, UsageHour, UsageLine, UsageMinute, UsageReport

LINES = timedelta(days=2)
"""Networks and sketches go with the lines. Twice as long as a report may be late."""
MINUTES = timedelta(days=3)
HOURS = timedelta(days=45)
DAYS = timedelta(days=400)
AT_ONCE = 10_000
MOST_STEPS = 100


@every(600, "passport.usage.expire")
def expire() -> None:
    """Delete what is past its time. A line that is not yet counted stays, however old."""
    now = clock.now()
    _delete(UsageLine.objects.filter(minute__lt=now - LINES).exclude(rolled_by=""))
    _delete(UsageReport.objects.filter(received_at__lt=now - LINES))
    _delete(UsageMinute.objects.filter(starts_at__lt=now - MINUTES))
    _delete(UsageHour.objects.filter(starts_at__lt=now - HOURS))
    _delete(UsageDay.objects.filter(starts_at__lt=now - DAYS))


def _delete[M: Model](rows: QuerySet[M]) -> None:
    for _ in range(MOST_STEPS):
        some = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        rows.model._default_manager.filter(pk__in=some).delete()
        if len(some) < AT_ONCE:
            return
