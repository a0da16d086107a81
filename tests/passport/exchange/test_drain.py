"""From the stores of admission into the table: in bulk, and twice is once."""

from foundation.ledger.models import Entry
from passport.admission import issued
from passport.credentials.models import IssueRecord
from passport.credentials.records import record_issued
from passport.exchange.drain import drain, note_gap
from tests.cast import INFER, MODEL, claims_of, granted


def test_what_was_issued_is_found_in_the_table(endpoint, scout, scouts_passport) -> None:
    token = claims_of(granted(endpoint.exchange(scouts_passport, key=scout.key, scope=INFER)))
    drain()
    record = IssueRecord.objects.get(jti=token["jti"])
    assert (record.root, record.agent) == (claims_of(scouts_passport)["jti"], scout.id)
    assert (record.account_id, record.audience, record.scopes) == (scout.account.id, MODEL, INFER)
    assert int(record.expires_at.timestamp()) == token["exp"]
    assert list(issued.read()) == []


def test_records_read_again_after_a_crash_are_written_once(endpoint, scout, scouts_passport) -> None:
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    for batch in issued.read():
        record_issued(batch.records)
    drain()
    assert IssueRecord.objects.count() == 1


def test_a_refused_request_leaves_no_record(endpoint, scout, scouts_passport) -> None:
    endpoint.exchange(scouts_passport, key=scout.key, scope="model:none")
    drain()
    assert not IssueRecord.objects.exists()


def test_a_gap_is_written_to_the_ledger(db) -> None:
    note_gap("p007", 3)
    assert Entry.objects.get(type="issue_records.lost").payload == {"partition": "p007", "missing": 3}
