import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from foundation.ledger.append import append
from foundation.ledger.checkpoints import checkpoint
from foundation.ledger.models import Checkpoint, Entry, EntryText, Position
from foundation.ledger.read import entries_about, entries_after, head
from foundation.ledger.sequence import sequence
from foundation.ledger.verify import verify_ledger

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def checkpoint_file(settings: Any, tmp_path: Any) -> Any:
    settings.CHECKPOINT_FILE = tmp_path / "checkpoints.txt"
    return settings.CHECKPOINT_FILE


def write(count: int, **fields: Any) -> list[Entry]:
    entries = [
        append("test.happened", actor="system:test", subject_ids=[f"acc_{n}"], payload={"n": n}, **fields)
        for n in range(count)
    ]
    sequence()
    return entries


def behind_its_back(statement: str, parameters: list[Any]) -> None:
    """Alter the database as somebody with its password would: the guard taken off first."""
    from importlib import import_module

    guard = import_module("foundation.migrations.0100_ledger_guard")
    with connection.cursor() as cursor:
        for release in guard.release_statements(connection.vendor):
            cursor.execute(release)
        cursor.execute(statement, parameters)
        for restore in guard.guard_statements(connection.vendor):
            cursor.execute(restore)


def test_entries_are_numbered_without_a_gap_and_read_in_order() -> None:
    write(3)
    write(2)
    assert [placed.number for placed in entries_after(1)] == [2, 3, 4, 5]
    assert head() == 5


def test_numbering_again_numbers_nothing_twice() -> None:
    write(3)
    assert sequence() == 0
    assert Position.objects.count() == 3


def test_entries_about_a_subject_come_newest_first() -> None:
    write(2)
    newest = append("test.again", actor="system:test", subject_ids=["acc_1"])
    assert [entry.type for entry in entries_about("acc_1")] == ["test.again", "test.happened"]
    assert entries_about("acc_1", before=newest.pk)[0].type == "test.happened"


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize(("model", "column"), [(Entry, "id"), (Position, "number"), (Checkpoint, "size")])
def test_the_database_refuses_to_change_the_record(model: Any, column: str, statement: str) -> None:
    write(1)
    checkpoint()
    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
    ):
        cursor.execute(statement.format(model._meta.db_table, column, column))
    assert model.objects.count() == 1


def test_a_whole_record_verifies_up_to_the_last_seal(checkpoint_file: Any) -> None:
    write(5)
    checkpoint()
    write(4)
    checkpoint()
    write(1)
    proof = verify_ledger(checkpoint_file.read_text().split())
    assert (proof.finding, proof.entries, proof.sealed, proof.checkpoints) == (None, 10, 9, 2)


def test_sealing_twice_seals_once() -> None:
    write(2)
    assert checkpoint() is not None
    assert checkpoint() is None


TAMPERINGS: dict[str, tuple[Callable[[Entry], tuple[str, list[Any]]], int, str]] = {
    "content": (lambda e: ("UPDATE foundation_entry SET reason = 'other' WHERE id = %s", [e.pk]), 3, "altered"),
    "content and digest": (
        lambda e: ("UPDATE foundation_entry SET digest = %s WHERE id = %s", [b"\0" * 32, e.pk]), 3, "altered",
    ),
    "text": (lambda e: ("UPDATE foundation_entrytext SET text = 'other' WHERE entry_id = %s", [e.pk]), 3, "altered"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_an_altered_entry_is_named(name: str) -> None:
    entries = write(5, text="because")
    checkpoint()
    statement, number, fault = TAMPERINGS[name]
    behind_its_back(*statement(entries[2]))
    finding = verify_ledger().finding
    assert finding is not None
    assert (finding.number, finding.entry_id) == (number, entries[2].pk)
    assert finding.fault.startswith(fault)


def test_an_entry_rewritten_with_a_matching_digest_is_named() -> None:
    entries = write(5)
    checkpoint()
    from foundation.ledger.verify import digest_of

    forged = Entry.objects.get(pk=entries[3].pk)
    forged.reason = "forged"
    behind_its_back(
        "UPDATE foundation_entry SET reason = 'forged', digest = %s WHERE id = %s",
        [digest_of(forged), forged.pk],
    )
    finding = verify_ledger().finding
    assert finding is not None
    assert (finding.number, finding.fault) == (4, "altered: its digest is not the one that was sealed")


def test_a_removed_entry_leaves_a_gap_that_is_named() -> None:
    entries = write(4)
    checkpoint()
    behind_its_back("DELETE FROM foundation_position WHERE entry_id = %s", [entries[1].pk])
    finding = verify_ledger().finding
    assert finding is not None
    assert (finding.number, finding.fault) == (2, "missing: the next number is 3")


def test_a_cut_tail_is_found_by_the_seal_over_it() -> None:
    write(4)
    checkpoint()
    behind_its_back("DELETE FROM foundation_position WHERE number > %s", [2])
    finding = verify_ledger().finding
    assert finding is not None
    assert finding.number == 3


def test_a_record_rewritten_and_sealed_anew_is_betrayed_by_a_checkpoint_kept_elsewhere(
    checkpoint_file: Any,
) -> None:
    write(3)
    checkpoint()
    kept = checkpoint_file.read_text().split()
    behind_its_back("DELETE FROM foundation_checkpoint WHERE size > %s", [0])
    forged = Entry.objects.order_by("id")[0]
    forged.reason = "forged"
    from foundation.ledger.verify import digest_of

    behind_its_back(
        "UPDATE foundation_entry SET reason = 'forged', digest = %s WHERE id = %s",
        [digest_of(forged), forged.pk],
    )
    checkpoint()
    assert verify_ledger().finding is None
    finding = verify_ledger(kept).finding
    assert finding is not None
    assert "rewritten" in finding.fault


def test_an_erased_text_leaves_the_record_whole() -> None:
    from foundation import clock

    write(2, text="personal")
    EntryText.objects.update(text="", erased_at=clock.now())
    assert verify_ledger().finding is None


def test_the_command_says_which_entry_does_not_fit() -> None:
    entries = write(3)
    out = io.StringIO()
    call_command("verify_ledger", "--seal", "--json", stdout=out)
    assert json.loads(out.getvalue())["whole"] is True
    behind_its_back("UPDATE foundation_entry SET actor = 'user:x' WHERE id = %s", [entries[1].pk])
    with pytest.raises(CommandError, match=r"entry #2 \(id \d+\) does not fit; altered"):
        call_command("verify_ledger", stdout=io.StringIO())


@pytest.mark.django_db(transaction=True)
def test_many_writers_and_many_numberers_leave_no_gap() -> None:
    def work() -> None:
        for n in range(10):
            with transaction.atomic():
                append("test.parallel", actor="system:test", payload={"n": n})
            sequence()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sequence()
    assert [placed.number for placed in entries_after(0)] == list(range(1, 61))
