"""Reads the ledger for all streams: one reader, whose place and whose work change together.

Killed anywhere it goes on where the last transaction ended, and nothing is told twice.
"""

from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import Min

from foundation import clock
from foundation.jobs.outbox import enqueue
from foundation.jobs.periodic import every
from foundation.ledger.read import Placed, entries_after, head
from passport.conf import issuer
from passport.credentials.pairwise import pairwise_id
from passport.events.ssf.happening import Happening, subject_of
from passport.events.ssf.kinds import PUSH, delivered
from passport.events.ssf.models import EventStream, LedgerCursor, RemovedSubject, StreamEvent
from passport.events.ssf.push import PUSH_JOB
from passport.events.ssf.seen import Seen
from passport.events.ssf.sets import event_claims
from passport.events.ssf.subjects import matches
from passport.events.ssf.translate import is_told, translate
from passport.exchange.drain import drain

READER = "shared-signals"
ENTRIES_AT_ONCE = 50
SECONDS = 1


@every(SECONDS, "passport.events.ssf.read")
def tell() -> None:
    """Bring all streams up to the head of the ledger."""
    if not EventStream.objects.exclude(status=EventStream.Status.DISABLED).exists():
        _stand_at_head()
        return
    # Who was seen stands in the issue records: without this, a service would not hear of an agent
    # that called it a second ago.
    drain()
    while step():
        pass


def step() -> bool:
    """Take the next entries, or the next part of a large one. False when there is nothing to take."""
    with transaction.atomic():
        cursor = _cursor()
        entries = entries_after(cursor.number, ENTRIES_AT_ONCE)
        if not entries:
            return False
        streams = _streams()
        for entry in entries:
            cursor.part = _tell_part(entry, cursor.part, streams)
            if cursor.part:
                break
            cursor.number = entry.number
        cursor.save()
    return True


def _cursor() -> LedgerCursor:
    """Held until the end of the transaction: of two readers one waits, and finds the work done."""
    if not LedgerCursor.objects.filter(reader=READER).exists():
        first = EventStream.objects.aggregate(first=Min("after"))["first"]
        LedgerCursor.objects.get_or_create(reader=READER, defaults={"number": first or 0})
    return LedgerCursor.objects.select_for_update().get(reader=READER)


def _stand_at_head() -> None:
    """Nobody listens: what happens meanwhile is told to nobody, so it need not be read."""
    LedgerCursor.objects.update_or_create(reader=READER, defaults={"number": head(), "part": ""})


def _streams() -> list[EventStream]:
    rows = EventStream.objects.exclude(status=EventStream.Status.DISABLED)
    return list(rows.select_related("service").order_by("pk"))


def _tell_part(entry: Placed, part: str, streams: Sequence[EventStream]) -> str:
    listening = [stream for stream in streams if stream.after < entry.number]
    if not listening or not is_told(entry):
        return ""
    happenings, rest = translate(entry, part, issuer())
    if not happenings:
        return rest
    seen = Seen(happenings, {stream.service.audience for stream in listening})
    for stream in listening:
        _write(stream, [one for one in happenings if seen.by(stream.service.audience, one)])
    return rest


def _write(stream: EventStream, happenings: Sequence[Happening]) -> None:
    rows = list(_events(stream, happenings))
    if not rows:
        return
    StreamEvent.objects.bulk_create(rows)
    if stream.method == PUSH and stream.status == EventStream.Status.ENABLED:
        enqueue(PUSH_JOB, {"stream_id": stream.pk}, key=f"{PUSH_JOB}:{stream.pk}")


def _events(stream: EventStream, happenings: Sequence[Happening]) -> Iterator[StreamEvent]:
    wanted = set(delivered(stream.events_requested))
    removed = list(RemovedSubject.objects.filter(stream=stream).values_list("subject", flat=True))
    now, service = clock.now(), stream.service
    for one in happenings:
        if one.kind not in wanted or one.environment != service.environment:
            continue
        subject = subject_of(one, issuer(), pairwise_id(one.account_id, service.audience))
        if any(matches(named, subject) for named in removed):
            continue
        yield StreamEvent(
            stream=stream,
            type=one.kind,
            claims=event_claims(one.kind, subject, one.members, txn=one.txn, now=now),
            order_key=one.order_key,
            created_at=now,
        )
