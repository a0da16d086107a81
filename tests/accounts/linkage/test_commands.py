import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.linkage.models import ActivityDay, LinkageRun, Signal
from tests.accounts.linkage.conftest import partition

pytestmark = pytest.mark.django_db


def line(account: str, kind: str, value: str, time: str = "2026-02-03T14:05:00Z") -> bytes:
    return json.dumps({"account": account, "kind": kind, "value": value, "time": time}).encode() + b"\n"


def hydra() -> bytes:
    return b"".join(
        line(f"acc_{number}", kind, "v") for number in (1, 2, 3) for kind in ("device", "payment_instrument")
    )


def run(name: str, *arguments: str) -> dict[str, object]:
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=err)
    return json.loads(out.getvalue().splitlines()[-1])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(hydra())
    return path


def test_importing_twice_changes_nothing(log: Path) -> None:
    assert run("import_signals", str(log))["new_signals"] == 6
    before = list(Signal.objects.order_by("pk").values())
    again = run("import_signals", str(log))
    assert (again["new_signals"], again["new_accounts"], again["settled"]) == (0, 0, 0)
    assert list(Signal.objects.order_by("pk").values()) == before
    assert partition("live") == {frozenset({"acc_1", "acc_2", "acc_3"})}


def test_bad_lines_are_named_by_number_and_the_good_ones_are_in(log: Path) -> None:
    bad = [
        b"\xff\xfe\n",
        b"[" * 4000 + b"\n",
        b'{"account": "acc_9", "kind": "device"}\n',
        line("acc 9", "device", "v"),
        line("acc_9", "shoe_size", "v"),
        line("acc_9", "device", ""),
        line("acc_9", "device", "v", "2026-02-30T00:00:00Z"),
        line("acc_9", "device", "v", "2999-01-01T00:00:00Z"),
        line("acc_9", "traffic", "active:2026-02-03:zz"),
        b'{"account": "acc_9", "kind": "device", "value": "\\ud800", "time": "2026-02-03T14:05:00Z"}\n',
        b'{"value": "' + b"x" * 100_000 + b'"}\n',
    ]
    log.write_bytes(b"".join(bad) + hydra())
    err = io.StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("import_signals", str(log), stdout=io.StringIO(), stderr=err)
    assert stopped.value.returncode == 1
    named = [text.partition(":")[0] for text in err.getvalue().splitlines() if text.startswith("line ")]
    assert named == [f"line {number}" for number in range(1, len(bad) + 1)]
    assert Signal.objects.count() == 6


def test_strict_stops_at_the_first_bad_line(log: Path) -> None:
    log.write_bytes(line("acc_1", "device", "v") + b"{}\n" + line("acc_2", "device", "v"))
    with pytest.raises(CommandError):
        call_command("import_signals", str(log), "--strict", stdout=io.StringIO(), stderr=io.StringIO())
    assert set(Signal.objects.values_list("account_id", flat=True)) == {"acc_1"}


def test_slots_of_one_day_are_added_up(log: Path) -> None:
    first, last = "8" + "0" * 71, "0" * 71 + "1"
    log.write_bytes(
        line("acc_1", "traffic", f"active:2026-02-03:{first}")
        + line("acc_1", "traffic", f"active:2026-02-03:{last}")
    )
    run("import_signals", str(log))
    run("import_signals", str(log))
    assert bytes(ActivityDay.objects.get().slots).hex() == "8" + "0" * 70 + "1"


def test_a_shadow_rebuild_records_the_difference_and_changes_nothing(log: Path) -> None:
    run("import_signals", str(log), "--defer")
    assert run("rebuild_clusters", "--shadow")["accounts_that_differ"] == 3
    assert partition("live") == set()
    assert run("rebuild_clusters")["clusters"] == 1
    assert run("rebuild_clusters")["accounts_that_differ"] == 0
    assert LinkageRun.objects.count() == 3


def test_clusters_are_exported_with_two_ways_between_members(log: Path, tmp_path: Path) -> None:
    run("import_signals", str(log))
    summary = run("export_clusters", str(tmp_path / "c"), "--explain", str(tmp_path / "e"))
    assert (summary["members"], summary["clusters"], summary["explanations"]) == (3, 1, 2)
    rows = [json.loads(text) for text in (tmp_path / "c").read_text().splitlines()]
    assert [row["account"] for row in rows] == ["acc_1", "acc_2", "acc_3"]
    why = json.loads((tmp_path / "e").read_text().splitlines()[0])
    assert {step["kind"] for path in why["paths"] for step in path} == {"device", "payment_instrument"}


def test_two_accounts_with_one_value_are_explained_as_a_candidate(log: Path) -> None:
    log.write_bytes(hydra() + line("acc_4", "device", "v"))
    run("import_signals", str(log))
    found = run("explain_link", "acc_1", "acc_4")
    assert (found["grade"], found["cluster"]) == ("candidate", "")
    assert found["paths"] == [
        [{"from": "acc_1", "kind": "device", "holders": 4, "bits": 3.42, "to": "acc_4"}]
    ]
    assert set(found) == {"a", "b", "cluster", "grade", "bits", "paths"}
