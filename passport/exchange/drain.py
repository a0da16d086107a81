"""Takes issue records from the stores of admission into the database: in bulk, and twice is once."""

import structlog

from foundation.jobs.periodic import every
from foundation.ledger.append import append
from passport.admission.issued import forget, read
from passport.credentials.records import record_issued

log = structlog.get_logger()


@every(2, "passport.exchange.drain")
def drain() -> None:
    """Write what waits, then forget it. A crash between the two reads the same records again."""
    for batch in read():
        record_issued(batch.records)
        if batch.missing:
            note_gap(batch.partition, batch.missing)
        forget(batch)


def note_gap(partition: str, missing: int) -> None:
    """Nothing depends on the records; that some are lost is a fact all the same."""
    log.warning("issue_records_lost", partition=partition, missing=missing)
    append(
        "issue_records.lost",
        actor="system:admission",
        reason="stream_gap",
        payload={"partition": partition, "missing": missing},
    )
