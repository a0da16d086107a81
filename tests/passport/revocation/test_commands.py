import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.owners.models import Account
from foundation.jobs.outbox import run_due
from passport.restrictions.models import Switch
from passport.restrictions.subjects import account_states
from tests.passport.population import household, signing_keys
from tests.passport.revocation.hydra import ANALYST, APPROVER, cluster, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    signing_keys()
    for name in ("mallory", "trent"):
        household(name)
    cluster("hydra", "acc_mallory", "acc_trent")
    staff(ANALYST, role="analyst")
    staff(APPROVER)


def run(*arguments: str, by: str = "analyst") -> dict:
    out = io.StringIO()
    named = ["--by", f"usr_{by}@passport.test".replace("usr_", "")] if by else []
    call_command(*arguments, *named, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def revoke(*more: str, by: str = "analyst", chosen: tuple[str, str] = ("--cluster", "clu_hydra")) -> dict:
    return run("revoke", *chosen, "--environment", "sandbox", "--reason", "hydra", *more, by=by)


def effects() -> dict[str, int]:
    return {row.pk: row.there for row in account_states("sandbox").filter(there__gt=0)}


def test_without_yes_it_only_shows() -> None:
    shown = revoke()
    assert (shown["state"], shown["preview"]["accounts"]) == ("previewed", 2)
    assert effects() == {}


def test_with_yes_it_acts_and_undo_takes_it_back() -> None:
    batch = revoke("--yes")["batch"]
    run_due()
    assert set(effects()) == {"acc_mallory", "acc_trent"}
    assert run("undo", batch, "--reason", "mistake")["lifted"] == 2
    run_due()
    assert effects() == {}
    assert run("batches", batch, by="")["state"] == "undone"


def test_what_was_left_out_is_not_hit() -> None:
    revoke("--exclude", "acc_trent=resold phone", "--yes")
    assert set(effects()) == {"acc_mallory"}


def test_above_the_threshold_it_waits_for_a_second_person() -> None:
    Account.objects.bulk_create([Account(id=f"acc_{n:02}", name=str(n)) for n in range(26)])
    cluster("crowd", *[f"acc_{n:02}" for n in range(26)])
    waiting = revoke("--yes", chosen=("--cluster", "clu_crowd"))
    assert (waiting["state"], effects()) == ("awaiting_approval", {})
    assert run("revoke", "--batch", waiting["batch"], "--yes", by="approver")["state"] == "running"
    assert len(effects()) == 26


def test_batches_are_listed_newest_first() -> None:
    first, second = revoke()["batch"], revoke()["batch"]
    assert [one["batch"] for one in run("batches", by="")][:2] == [second, first]


def test_a_refusal_is_named_and_changes_nothing() -> None:
    with pytest.raises(CommandError, match="nothing_chosen"):
        revoke(chosen=("--agent", "agent_nobody"))
    with pytest.raises(CommandError, match="unknown"):
        run("undo", "batch_nothing", "--reason", "x")
    with pytest.raises(CommandError, match="unknown"):
        run("batches", "batch_nothing", by="")


def test_only_staff_of_the_right_group_acts() -> None:
    with pytest.raises(CommandError, match="no active member of staff"):
        revoke(by="stranger")
    with pytest.raises(CommandError, match="no active member of staff"):
        run("switches", "issuance", "on", "--reason", "x")


def test_switches_are_shown_and_turned() -> None:
    run("switches", "issuance", "on", "--reason", "leak", "--hours", "2", by="approver")
    assert Switch.objects.get().on
    assert {one["switch"]: one["on"] for one in run("switches", by="")}["issuance"] is True
    with pytest.raises(CommandError, match="say why"):
        run("switches", "issuance", "off", by="approver")
