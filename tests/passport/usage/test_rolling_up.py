"""Lines become sums: each once, whoever dies on the way."""

import random
from datetime import timedelta

import pytest
from django.db.models import Sum

from passport.usage import rollup
from passport.usage.models import UsageDay, UsageHour, UsageLine, UsageMinute, UsageReport
from passport.usage.outcomes import OUTCOMES
from passport.usage.retention import expire
from passport.usage.rollup import roll_up, roll_up_step
from tests.passport.usage.conftest import NOON

TABLES = (UsageMinute, UsageHour, UsageDay)


def lines(count: int = 1, *, at=NOON, agent: str = "agent_scout", **members) -> None:
    counts = dict.fromkeys(OUTCOMES, 0) | {"units": 1, "allowed": 1}
    UsageLine.objects.bulk_create(
        UsageLine(
            minute=at, account_id="acc_alice", environment="sandbox", agent=agent, service_id="svc_model",
            scope="model:infer", **{**counts, **members},
        )
        for _ in range(count)
    )  # fmt: skip


def totals(name: str = "units") -> list[int]:
    return [table.objects.aggregate(total=Sum(name))["total"] or 0 for table in TABLES]


def test_minutes_hours_and_days_add_up(db) -> None:
    lines(3)
    lines(2, at=NOON + timedelta(minutes=1), units=10, over_limit=4)
    lines(1, at=NOON + timedelta(hours=2))
    assert roll_up() == 6
    assert [table.objects.count() for table in TABLES] == [3, 2, 1]
    assert (totals(), totals("over_limit"), totals("allowed")) == ([24] * 3, [8] * 3, [6] * 3)
    assert list(UsageHour.objects.order_by("starts_at").values_list("starts_at", flat=True)) == [
        NOON, NOON + timedelta(hours=2)
    ]  # fmt: skip
    assert UsageDay.objects.get().starts_at == NOON.replace(hour=0)


def test_a_second_turn_counts_nothing_again_and_adds_what_came_late(db) -> None:
    lines(3)
    roll_up()
    assert (roll_up(), totals()) == (0, [3, 3, 3])
    lines(1)
    assert (roll_up(), totals()) == (1, [4, 4, 4])


@pytest.mark.parametrize("dies_before", [*rollup.TABLES, "commit"])
def test_a_roll_up_that_is_killed_counts_nothing_and_the_next_counts_all_once(
    db, monkeypatch, dies_before
) -> None:
    lines(5)
    adding = rollup._adding

    def die(table: str) -> str:
        if table == dies_before:
            raise SystemExit
        if table == "passport_usageday" and dies_before == "commit":
            return adding(table).replace("SELECT", "SELECT no_such_column,")
        return adding(table)

    monkeypatch.setattr(rollup, "_adding", die)
    with pytest.raises((SystemExit, Exception)):
        roll_up_step(100)
    monkeypatch.undo()
    assert totals() == [0, 0, 0]
    assert (roll_up(), totals()) == (5, [5, 5, 5])


def test_turns_of_any_size_give_the_same_sums(db) -> None:
    drawn = random.Random(7)
    for _ in range(40):
        at = NOON + timedelta(minutes=drawn.randrange(300))
        lines(1, at=at, units=drawn.randrange(9), agent=f"agent_{drawn.randrange(3)}")
    wanted = UsageLine.objects.aggregate(total=Sum("units"))["total"]
    while roll_up_step(drawn.randrange(1, 12)):
        pass
    assert totals() == [wanted] * 3
    assert all(
        table.objects.values("starts_at", "agent").distinct().count() == table.objects.count()
        for table in TABLES
    )


def test_what_is_past_its_time_goes_and_what_is_not_counted_stays(db, clock) -> None:
    lines(2)
    roll_up()
    lines(1)
    UsageReport.objects.create(
        service_id="svc_model", report_id="report-1", sha256="", accepted=1, received_at=NOON
    )
    clock.forward(days=2, minutes=1)
    expire()
    assert (UsageLine.objects.count(), UsageReport.objects.count(), totals()) == (1, 0, [2, 2, 2])
    clock.forward(days=44)
    expire()
    assert totals() == [0, 0, 2]
