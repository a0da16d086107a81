"""Lets signals end 180 days after they were last seen, and with them what they alone held together."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.linkage.columns import Value
from accounts.linkage.evidence import holders_of
from accounts.linkage.models import ActivityDay, BanMemory, Signal
from accounts.linkage.observe import mark_unsettled
from accounts.linkage.weigh import CAPS

KEPT = timedelta(days=180)
CHUNK = 500


def purge(now: datetime) -> int:
    """Delete what was last seen more than 180 days ago; in chunks, safe twice. Gives how many signals."""
    deleted = 0
    while number := _purge_chunk(now - KEPT):
        deleted += number
    ActivityDay.objects.filter(day__lt=(now - KEPT).date()).delete()
    BanMemory.objects.filter(ends_at__lte=now).delete()
    return deleted


@transaction.atomic
def _purge_chunk(before: datetime) -> int:
    rows = list(Signal.objects.filter(last_seen_at__lt=before).order_by("pk")[:CHUNK])
    # Seen again since they were read: those stay.
    deleted = Signal.objects.filter(pk__in=[row.pk for row in rows], last_seen_at__lt=before).delete()[0]
    for environment in sorted({row.environment for row in rows}):
        _mark(environment, [row for row in rows if row.environment == environment and row.kind in CAPS])
    return deleted


def _mark(environment: str, rows: list[Signal]) -> None:
    """Who lost a value, and one of those who keep it: it may be rare enough to be evidence again."""
    lost = {Value(row.kind, bytes(row.value_hash)) for row in rows}
    keepers = {who[0] for who in holders_of(environment, lost).values()}
    if marked := keepers | {row.account_id for row in rows}:
        mark_unsettled(environment, marked)
